"""A model card as sections of sentences and tables, the same for the page and for the file.

Sections and their order follow Mitchell et al., "Model Cards for Model Reporting", FAT* 2019,
arXiv:1810.03993: what it is for, what it was trained on, how it does overall and by group, what
is known of its limits, and which version that is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from federated.model_card import LEAST_TOLD
from webapp.api.evaluation import ClassFigures, Interval, Report
from webapp.card_facts import POINT, CardFacts, Holder
from webapp.findings import ends, with_interval
from webapp.retold import retold
from webapp.texts import text, texts
from webapp.words import (
    NOTHING,
    commas,
    day,
    figure,
    in_groups,
    percent,
    whole,
)

Rows = tuple[Mapping[str, str], ...]

SHARES = ("accuracy", "balanced_accuracy", POINT)
OVERALL = (
    "auc",
    "average_precision",
    "accuracy",
    "balanced_accuracy",
    POINT,
    "calibration_error",
    "brier",
)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the card; its sentences hold words of strangers, which a reader must escape.

    Attributes:
        name: Its key.
        before: Sentences ahead of the table.
        points: Sentences that stand as a list.
        rows: A table, its heads as keys.
        after: Sentences below it.
    """

    name: str
    before: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    rows: Rows = ()
    after: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Its heading."""
        return text(f"model_card.{self.name}")


def sections(facts: CardFacts) -> list[Section]:
    """The card, in order."""
    made: list[Callable[[CardFacts], Section]] = [
        _purpose,
        _unfit,
        _data,
        _results,
        _classes,
        _calibration,
        _limits,
        _version,
        _makers,
    ]
    return [make(facts) for make in made]


def _purpose(facts: CardFacts) -> Section:
    classes = commas(facts.study.classes)
    said = text("model_card.answers", study=facts.study.name, classes=classes)
    points = tuple(text(f"model_card.for_{name}") for name in ("research", "teaching"))
    return Section("purpose", (said,), points)


def _unfit(facts: CardFacts) -> Section:
    names = ("diagnosis", "other_pictures", "other_people", "alone")
    return Section("unfit", points=tuple(text(f"model_card.not_{name}") for name in names))


def _data(facts: CardFacts) -> Section:
    if facts.round == 0:
        return Section("data", (text("model_card.untrained"),))
    unnamed = any(holder.name is None for holder in facts.holders)
    public = facts.plan is not None and facts.plan.data.kind != "own"
    after = [text("model_card.stayed"), text("model_card.reported")]
    if unnamed:
        after.append(text("model_card.tens", least=LEAST_TOLD))
    if public:
        after.append(text("model_card.public"))
    rows = tuple(_holder_row(holder, number, facts) for number, holder in enumerate(facts.holders))
    return Section("data", rows=rows, after=tuple(after))


def _holder_row(holder: Holder, number: int, facts: CardFacts) -> dict[str, str]:
    name = holder.name
    site = text("model_card.another", number=number) if name is None else name
    counts = {label: _count(holder, label) for label in facts.study.classes}
    return {text("layout.site"): site, **counts}


def _count(holder: Holder, label: str) -> str:
    count = holder.counts.get(label, 0)
    if not holder.coarse:
        return whole(count)
    return _in_tens(count)


def _in_tens(count: int) -> str:
    if count < LEAST_TOLD:
        return text("model_card.fewer", least=LEAST_TOLD)
    return text("model_card.at_least", number=whole(count))


def _results(facts: CardFacts) -> Section:
    report = facts.test
    if report is None:
        return Section("results", (text("model_card.not_tested"),))
    count = _in_tens(report.num_examples) if facts.coarse else whole(report.num_examples)
    rows = tuple(_result(report, name) for name in OVERALL)
    return Section("results", (text("model_card.tested_on", number=count),), rows=rows)


def _result(report: Report, name: str) -> dict[str, str]:
    value, interval = _known(report, name)
    share = name in SHARES
    low, high = ends(interval, in_percent=share) if interval else ("", "")
    return {
        text("model_card.figure"): text(f"figure.{name}"),
        text("model_card.value"): percent(value) if share else figure(value),
        text("model_card.interval"): text("model_card.from_to", low=low, high=high)
        if interval
        else NOTHING,
    }


def _known(report: Report, name: str) -> tuple[float | None, Interval | None]:
    if name == POINT:
        point = next((p for p in report.sensitivity_at if abs(p.specificity - 0.9) < 1e-6), None)
        return (point.sensitivity, point.interval) if point else (None, None)
    value: float | None = getattr(report, name)
    return value, report.intervals.get(name)


def _classes(facts: CardFacts) -> Section:
    if facts.test is None:
        return Section("classes", (text("model_card.not_tested"),))
    rows = tuple(_class_row(entry, facts) for entry in facts.test.classes)
    return Section("classes", rows=rows, after=(text("model_card.no_groups"),))


def _class_row(entry: ClassFigures, facts: CardFacts) -> dict[str, str]:
    auc = with_interval(figure(entry.auc, 2), entry.intervals.get("auc"), in_percent=False)
    return {
        text("chart.class"): entry.name,
        text("tested.support"): _in_tens(entry.support) if facts.coarse else whole(entry.support),
        text("figure.recall"): with_interval(
            percent(entry.recall, 0), entry.intervals.get("recall")
        ),
        text("figure.precision"): percent(entry.precision, 0),
        text("figure.auc"): auc,
    }


def _calibration(facts: CardFacts) -> Section:
    said = [text("model_card.site_measures")] if not facts.local else _measured(facts)
    bins = facts.test.reliability if facts.test else ()
    rows = tuple(
        {
            text("model_card.how_sure"): text(
                "model_card.from_to", low=percent(e.lower, 0), high=percent(e.upper, 0)
            ),
            text("chart.pictures"): whole(e.count),
            text("model_card.was_right"): percent(e.accuracy, 0),
        }
        for e in bins
        if e.count
    )
    before = (text("model_card.reliability"),) if rows else ()
    return Section("calibration", before, rows=rows, after=tuple(said))


def _measured(facts: CardFacts) -> list[str]:
    """What this site has found on its own pictures."""
    found, known = facts.calibration, facts.sureness
    if found is None:
        return [text("model_card.not_measured")]
    if found.missing is not None:
        return [text("model_card.no_temperature", reason=retold(found.missing))]
    temperature = figure(found.temperature, 2)
    said = [text("model_card.temperature", temperature=temperature, count=found.examples)]
    if known is None:
        return [*said, text("model_card.no_threshold", reason=retold(facts.sureness_missing or ""))]
    return [
        *said,
        text(
            "model_card.threshold",
            threshold=percent(known.threshold, 0),
            wrong=percent(known.error_when_sure, 0),
            limit=percent(known.error_limit, 0),
        ),
    ]


def _limits(facts: CardFacts) -> Section:
    names = ["closed", "who", "shift", "certain"]
    if facts.plan is not None and facts.plan.model.weights is not None:
        names.append("pretrained")
    return Section("limits", points=tuple(text(f"model_card.limit_{name}") for name in names))


def _version(facts: CardFacts) -> Section:
    rows = {
        "architecture": facts.model,
        "parameters": whole(facts.parameters) if facts.parameters else NOTHING,
        "run": facts.run or NOTHING,
        "round": whole(facts.round),
        "weights": in_groups(facts.weights),
        "frozen": in_groups(facts.frozen) if facts.frozen else None,
        "plan": in_groups(facts.plan.sha256) if facts.plan else NOTHING,
        "made": day(facts.made_at) if facts.made_at else NOTHING,
        "received": day(facts.received_at) if facts.received_at else None,
    }
    what, value = text("model_card.what"), text("model_card.value")
    told = tuple(
        {what: text(f"model_card.v_{name}"), value: said}
        for name, said in rows.items()
        if said is not None
    )
    return Section("version", rows=told)


def _strategy(facts: CardFacts) -> str:
    name = facts.plan.strategy.name if facts.plan else NOTHING
    return text(f"rule.{name}") if f"rule.{name}" in texts() else name


def _makers(facts: CardFacts) -> Section:
    where = text("model_card.master_at", address=facts.master) if facts.master else ""
    makers = text("model_card.made_by", strategy=_strategy(facts))
    said = (makers, where) if where else (makers,)
    licence = facts.licence
    permits = (
        text("model_card.licence", licence=licence) if licence else text("model_card.no_licence")
    )
    return Section("makers", (*said, permits))
