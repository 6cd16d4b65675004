"""What a headless training leaves: a table to read and a JSON file to work with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engines.processes.errors import WrongOption
from federated.views import RoundView, RunView, StudyView, UpdateView

COLUMNS = ("round", "seconds", "site", "status", "examples", "loss", "accuracy", "val. accuracy")
TEST_COLUMNS = ("round", "test loss", "test accuracy", "balanced", "AUC")


def report(
    study: StudyView,
    run: RunView,
    rounds: Sequence[RoundView],
    evaluation: dict[str, Any] | None,
    seconds: float,
    state: str | None,
) -> dict[str, Any]:
    """The results as one JSON document.

    Args:
        study: The study trained on.
        run: The finished run.
        rounds: Its rounds, by number.
        evaluation: The whole evaluation of the last weights on the test part, if there is one.
        seconds: From the start of the run to its end.
        state: Folder of the servers, whose blobs lie in its `master/blobs`; None if it is
            not kept.
    """
    return {
        "run": run.id,
        "study": study.study.model_dump(mode="json"),
        "plan": run.plan.model_dump(mode="json"),
        "seconds": round(seconds, 3),
        "rounds": [_round(one) for one in rounds],
        "evaluation": evaluation,
        "state": state,
    }


def _round(one: RoundView) -> dict[str, Any]:
    return {
        "round": one.number,
        "seconds": round(_seconds(one), 3),
        "weights_before": one.weights_before,
        "weights_after": one.weights_after,
        "updates": [_update(update) for update in one.updates],
        "excluded": [{"node": left.node_name, "reason": left.reason} for left in one.excluded],
        "evaluation": one.evaluation,
    }


def _update(update: UpdateView) -> dict[str, Any]:
    return {
        "node": update.node_name,
        "status": update.status,
        "num_examples": update.num_examples,
        "share": update.share,
        "metrics": update.metrics,
        "sha256": update.sha256,
    }


def check_target(path: Path, state: Path) -> None:
    """Makes sure that `write_report` will be able to write, by trying; leaves no file.

    Args:
        path: Where the results shall be.
        state: Folder of the servers, whose place it must not take.

    Raises:
        WrongOption: Nothing can be written there.
    """
    if path == state or path in state.parents or (path.exists() and not path.is_file()):
        raise WrongOption(
            "--out names something that is not a file", expected="a file", received=path
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = _draft(path)
        draft.touch()
        draft.unlink()
    except OSError as error:
        raise WrongOption(
            f"The results cannot be written to --out ({error.strerror or error})",
            expected="a file in a folder that may be written to",
            received=path,
        ) from None


def write_report(document: dict[str, Any], path: Path) -> None:
    """Writes the document as JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = _draft(path)
    try:
        draft.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _draft(path: Path) -> Path:
    return path.with_name(path.name + ".draft")


def tables(rounds: Sequence[RoundView]) -> str:
    """Two tables for people: what each site returned, and what the average was worth."""
    updates = [
        (
            str(one.number),
            f"{_seconds(one):.1f}",
            update.node_name,
            update.status,
            str(update.num_examples),
            *(_figure(update.metrics.get(key)) for key in ("loss", "accuracy", "val_accuracy")),
        )
        for one in rounds
        for update in sorted(one.updates, key=lambda update: update.node_name)
    ]
    measured = [
        (
            str(one.number),
            *(
                _figure(one.evaluation.get(key))
                for key in ("loss", "accuracy", "balanced_accuracy", "auc")
            ),
        )
        for one in rounds
        if one.evaluation
    ]
    parts = [table(COLUMNS, updates)] + ([table(TEST_COLUMNS, measured)] if measured else [])
    return "\n\n".join(parts)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows of text in columns of equal width under their names."""
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    lines = [columns, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    )


def _seconds(one: RoundView) -> float:
    return (one.closed_at or one.opened_at) - one.opened_at


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
