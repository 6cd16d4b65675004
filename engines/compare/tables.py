"""A comparison as text and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from engines.compare.summary import NeverSeen, Row, Spread
from engines.processes.report import table
from federated.spreadsheets import guarded

FIGURES = ("accuracy", "balanced_accuracy", "auc")
COLUMNS = ("way", "pictures", "n", "accuracy", "balanced", "AUC", "95 % interval", "over alone")

OVER_SEEDS = (
    "95 % interval: of the mean AUC over all seeds, on these same test pictures (Student's t). "
    "It does not say how it would be on other test pictures."
)
OVER_FOLDS = (
    "95 % interval: of the mean AUC, corrected for the pictures that folds and seeds share "
    "(Nadeau and Bengio 2003)."
)


def table_of(rows: Sequence[Row]) -> str:
    """A line for each way: mean ± standard deviation over seeds and folds, the AUC's interval.

    Below them stands what the interval is, where there is one.
    """
    lines = table(COLUMNS, [_cells(row) for row in rows])
    aucs = [row.figures.get("auc") for row in rows]
    if all(_interval(auc) == "–" for auc in aucs):
        return lines
    return f"{lines}\n\n{OVER_FOLDS if any(row.folds for row in rows) else OVER_SEEDS}"


def table_of_never_seen(entries: Sequence[NeverSeen]) -> str:
    """Recall of the classes that a site had no picture of: by its own model, and federated."""
    strategies = sorted({name for entry in entries for name in entry.federated})
    columns = ("pictures", "site", "never-seen class", "alone", *strategies)
    return table(columns, [_never_seen_cells(entry, strategies) for entry in entries])


def csv_of(rows: Sequence[Row]) -> str:
    """Every figure of every way: a line each."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    names = ("mean", "deviation", "low", "high")
    heads = ("way", "partition", "strategy", "variation", "figure", "repeats")
    writer.writerow((*heads, *names, "interval", "values"))
    for row in rows:
        margin = {"auc_over_alone": row.margin} if row.margin else {}
        for figure, spread in (row.figures | margin).items():
            values = " ".join(f"{value:.6f}" for value in spread.values)
            numbers = [getattr(spread, name) for name in names]
            shown = ["" if number is None else f"{number:.6f}" for number in numbers]
            what = (row.kind, row.partition or "", row.strategy or "", row.variation)
            repeats, kind = len(spread.values), "" if spread.low is None else _kind(row)
            writer.writerow((*map(guarded, what), figure, repeats, *shown, kind, values))
    return file.getvalue()


def _kind(row: Row) -> str:
    """What the interval of a line says, for who reads the file alone."""
    if row.folds:
        return "95 %, over folds, corrected for shared pictures (Nadeau and Bengio 2003)"
    return "95 %, over seeds on the same test pictures (Student's t)"


def name_of(row: Row) -> str:
    """The way in a few words."""
    words = (row.strategy or row.kind, row.variation)
    return ", ".join(word for word in words if word)


def told(spread: Spread | None) -> str:
    """`0.873 ± 0.011`; the mean alone where there is one value."""
    if spread is None:
        return "–"
    if spread.deviation is None:
        return f"{spread.mean:.3f}"
    return f"{spread.mean:.3f} ± {spread.deviation:.3f}"


def _cells(row: Row) -> tuple[str, ...]:
    auc = row.figures.get("auc")
    repeats = max((len(spread.values) for spread in row.figures.values()), default=0)
    return (
        name_of(row),
        row.partition or "together",
        str(repeats),
        *(told(row.figures.get(name)) for name in FIGURES),
        _interval(auc),
        _signed(row.margin),
    )


def _interval(spread: Spread | None) -> str:
    if spread is None or spread.low is None or spread.high is None:
        return "–"
    return f"{spread.low:.3f} to {spread.high:.3f}"


def _signed(spread: Spread | None) -> str:
    return "–" if spread is None else ("+" if spread.mean >= 0 else "") + told(spread)


def _never_seen_cells(entry: NeverSeen, strategies: Sequence[str]) -> tuple[str, ...]:
    federated = (told(entry.federated.get(name)) for name in strategies)
    return (_where(entry), entry.site, entry.label, told(entry.alone), *federated)


def _where(entry: NeverSeen) -> str:
    return ", ".join(word for word in (entry.partition, entry.variation) if word)
