"""One case as CSV: a line a value, numbers as numbers, words as codes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime

from federated.spreadsheets import guarded
from webapp.case.values import Case
from webapp.checklists.seven_points import seven_points
from webapp.texts import text

Line = tuple[str, str, str | float | int]


def case_csv(case: Case) -> bytes:
    """The case in UTF-8 with a byte order mark, as spreadsheets expect it.

    Columns are `field` (a code that never changes), `label` (the same in the page's language),
    `item` and `value`.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(("field", "label", "item", "value"))
    for name, item, value in _lines(case):
        label = text(f"case.{name}")
        writer.writerow([name, guarded(label), guarded(item), guarded(value)])
    return file.getvalue().encode("utf-8-sig")


def _lines(case: Case) -> Iterator[Line]:
    held, prediction = case.held, case.prediction
    yield "limits", "", text("classify.banner")
    yield "reference", "", case.reference
    yield "at", "", datetime.fromtimestamp(case.at, UTC).isoformat(timespec="seconds")
    yield "site", "", case.site
    yield "study", "", held.study.name
    yield "model", "", held.model
    yield "round", "", prediction.round
    yield "weights", "", prediction.weights
    yield "kind", "", case.kind
    for name, share in prediction.probabilities.items():
        yield "probability", name, round(share, 6)
    yield "uncertainty", "", round(prediction.uncertainty, 6)
    yield "sure", "", {True: "yes", False: "no", None: "unknown"}[prediction.sure]
    for removed in case.removed:
        yield "removed", removed, "yes"
    yield from _quality(case)
    yield from _look(case)
    yield "agreement", "", case.opinion.agreement or ""
    yield "own_label", "", case.opinion.label or ""


def _quality(case: Case) -> Iterator[Line]:
    quality = case.prediction.quality
    if quality is not None:
        yield "pixels", "width", quality.width
        yield "pixels", "height", quality.height
        for finding in quality.findings:
            yield "quality", finding.aspect, finding.fault or finding.band


def _look(case: Case) -> Iterator[Line]:
    score, signs = case.look.score, case.look.signs
    if score is not None:
        yield "abcd", "axes", score.axes
        yield "abcd", "segments", score.segments
        yield "abcd", "colours", ", ".join(sorted(score.colours))
        yield "abcd", "structures", ", ".join(sorted(score.structures))
        yield "abcd", "total", score.total
        yield "abcd", "meaning", score.meaning
    if case.look.evolving is not None:
        yield "abcd", "evolving", case.look.evolving
    if signs is not None:
        yield "seven_points", "signs", ", ".join(signs)
        yield "seven_points", "total", seven_points(signs)
