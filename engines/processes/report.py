"""What a headless training leaves: a table to read and a JSON file to work with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engines.processes import credits
from engines.processes.cross_site import as_document, reasons, rows_of
from engines.processes.errors import WrongOption
from federated.views import CrossSiteView, RoundCredits, RoundView, RunView, StudyView, UpdateView

COLUMNS = (
    *("round", "seconds", "site", "status", "examples", "loss", "accuracy"),
    *("val. accuracy", "val. AUC"),
)
TESTED = {
    "loss": "test loss",
    "accuracy": "test accuracy",
    "balanced_accuracy": "balanced",
    "auc": "AUC",
    "f1": "F1",
    "sensitivity_at_90": "sensitivity at 90 %",
    "calibration_error": "calibration error",
}
"""Figures of the test part and what heads their columns."""

LAST_COLUMNS = ("last round", "figure", "95 % from", "to")


def report(
    study: StudyView,
    run: RunView,
    rounds: Sequence[RoundView],
    evaluation: dict[str, Any] | None,
    seconds: float,
    state: str | None,
    cross_site: CrossSiteView | None = None,
    earned: Sequence[RoundCredits] = (),
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
        cross_site: Each site's model at each other site, where the plan has it measured.
        earned: How the credits of its rounds arose.
    """
    return {
        "run": run.id,
        "study": study.study.model_dump(mode="json"),
        "plan": run.plan.model_dump(mode="json"),
        "frozen": run.frozen,
        "seconds": round(seconds, 3),
        "rounds": [_round(one) for one in rounds],
        "evaluation": evaluation,
        "cross_site": as_document(cross_site) if cross_site else None,
        "credits": credits.as_document(earned),
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
        "note": one.note,
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


def tables(
    rounds: Sequence[RoundView],
    cross_site: CrossSiteView | None = None,
    earned: Sequence[RoundCredits] = (),
) -> str:
    """Tables for people: what each site returned, and what the average was worth, how surely.

    Where it was measured, each site's model at each other site too, and what each update earned.
    """
    measured = [one for one in rounds if one.evaluation]
    parts = [table(COLUMNS, [row for one in rounds for row in _update_rows(one)])]
    if measured:
        rows = [_tested_row(one.number, one.evaluation or {}) for one in measured]
        parts.append(table(("round", *TESTED.values()), rows))
        sure = _sure_rows(measured[-1].evaluation or {})
        parts += [table(LAST_COLUMNS, sure)] if sure else []
    parts += dict.fromkeys(one.note for one in rounds if one.note)
    if cross_site is not None:
        parts.append(f"Accuracy of each site's model at each site\n{table(*rows_of(cross_site))}")
        parts += reasons(cross_site)
    columns, rows = credits.rows_of(earned)
    granted = [one for one in earned if one.state == "granted"]
    if granted:
        parts.append(f"Credits\n{table(columns, rows)}")
    if len(granted) > 1:
        parts.append(table(credits.SUM_COLUMNS, credits.sums_of(earned)))
    parts += credits.reasons(earned)
    return "\n\n".join(parts)


def _update_rows(one: RoundView) -> list[tuple[str, ...]]:
    keys = ("loss", "accuracy", "val_accuracy", "val_auc")
    return [
        (
            str(one.number),
            f"{_seconds(one):.1f}",
            update.node_name,
            update.status,
            str(update.num_examples),
            *(_figure(update.metrics.get(key)) for key in keys),
        )
        for update in sorted(one.updates, key=lambda update: update.node_name)
    ]


def _tested_row(number: int, figures: Mapping[str, float | None]) -> tuple[str, ...]:
    return (str(number), *(_figure(figures.get(name)) for name in TESTED))


def _sure_rows(figures: Mapping[str, float | None]) -> list[tuple[str, ...]]:
    """The figures that have an interval, with its ends."""
    return [
        (head, *(_figure(figures.get(key)) for key in (name, f"{name}_low", f"{name}_high")))
        for name, head in TESTED.items()
        if figures.get(f"{name}_low") is not None
    ]


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
