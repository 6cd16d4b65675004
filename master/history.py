"""The history of a run as CSV: one row for each round and site, global figures beside it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from federated.spreadsheets import guarded
from federated.views import RoundView, TaskView, UpdateView
from master.headline import COLUMNS as GLOBAL_FIGURES

METRICS = (
    "loss",
    "accuracy",
    "val_loss",
    "val_accuracy",
    "val_balanced_accuracy",
    "val_f1",
    "val_auc",
    "val_sensitivity_at_90",
    "val_examples",
)

COLUMNS = (
    "run",
    "round",
    "round_state",
    "opened_at",
    "seconds",
    "weights_before",
    "weights_after",
    "site",
    "attempt",
    "base_round",
    "staleness",
    "task_state",
    "reason",
    "num_examples",
    "num_steps",
    "share",
    "credits",
    *METRICS,
    "audit_accuracy",
    "update_sha256",
    *(f"global_{name}" for name in GLOBAL_FIGURES),
)


def history_csv(rounds: Iterable[RoundView]) -> str:
    """The rounds of a run as CSV with a header; figures that there are not stay empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", extrasaction="raise")
    writer.writeheader()
    for view in rounds:
        writer.writerows(_rows(view))
    return text.getvalue()


def _rows(view: RoundView) -> Iterator[dict[str, object]]:
    updates = {update.task: update for update in view.updates}
    shared = {
        "run": view.run,
        "round": view.number,
        "round_state": view.state.value,
        "opened_at": view.opened_at,
        "seconds": "" if view.closed_at is None else round(view.closed_at - view.opened_at, 3),
        "weights_before": view.weights_before,
        "weights_after": view.weights_after or "",
        **{f"global_{name}": (view.evaluation or {}).get(name) for name in GLOBAL_FIGURES},
    }
    for task in view.tasks:
        yield shared | _site(task, updates.get(task.id))


def _site(task: TaskView, update: UpdateView | None) -> dict[str, object]:
    facts: dict[str, object] = {
        "site": task.node_name,
        "attempt": task.attempt,
        "base_round": task.base_round,
        "staleness": task.staleness,
        "task_state": task.state.value,
        "reason": guarded(task.reason or ""),
    }
    if update is None:
        return facts
    return facts | {
        "num_examples": update.num_examples,
        "num_steps": update.num_steps,
        "share": update.share,
        "credits": update.credits,
        **{name: update.metrics.get(name) for name in METRICS},
        "audit_accuracy": update.audit.measured.get("accuracy") if update.audit else None,
        "update_sha256": update.sha256,
    }
