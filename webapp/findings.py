"""What a report means to a clinician, in sentences: how much is found at few false alarms."""

from __future__ import annotations

from webapp.api.evaluation import ClassFigures, Interval, OperatingPoint, Report
from webapp.texts import text
from webapp.words import figure, percent


def findings(report: Report) -> list[str]:
    """The sentences, the most telling first; empty where sensitivity cannot be told."""
    if not report.sensitivity_at:
        return []
    if len(report.classes) == 2:
        return _of_the_second(report.classes[-1])
    return _of_all(report)


def with_interval(value: str, interval: Interval | None, *, in_percent: bool = True) -> str:
    """A figure with its interval in brackets, for a table: `63 % (52–74)`."""
    if interval is None:
        return value
    low, high = ends(interval, in_percent=in_percent)
    return text("tested.bracketed", value=value, low=low, high=high)


def from_to(interval: Interval | None, *, in_percent: bool = True) -> str:
    """An interval by itself: `95 %: 52–74`; empty where there is none."""
    if interval is None:
        return ""
    low, high = ends(interval, in_percent=in_percent)
    return text("tested.from_to", low=low, high=high)


def ends(interval: Interval, *, in_percent: bool) -> tuple[str, str]:
    """Both ends, with as few digits as an interval deserves."""
    if in_percent:
        return f"{interval.low * 100:.0f}", f"{interval.high * 100:.0f}"
    return figure(interval.low, 2), figure(interval.high, 2)


def _share(point: OperatingPoint) -> str:
    value = percent(point.sensitivity, 0)
    if point.interval is None:
        return value
    low, high = ends(point.interval, in_percent=True)
    return text("tested.bracketed_share", value=value, low=low, high=high)


def _of_the_second(entry: ClassFigures) -> list[str]:
    first, *more = entry.sensitivity_at
    said = text("tested.found", name=entry.name, share=_share(first), **_asked(first))
    return [said, _at_what_cost(entry.name, first), *map(_more, more)]


def _at_what_cost(name: str, point: OperatingPoint) -> str:
    """How many false alarms that is, and from which probability on."""
    if point.threshold is None:
        return text("tested.found_none")
    alarms = f"{100 * (1 - point.specificity):.0f}"
    threshold = percent(point.threshold, 0)
    return text("tested.found_what", name=name, alarms=alarms, threshold=threshold)


def _more(point: OperatingPoint) -> str:
    return text("tested.found_more", share=_share(point), **_asked(point))


def _of_all(report: Report) -> list[str]:
    """The mean over the classes, then the classes of which most and least is found."""
    first, *more = report.sensitivity_at
    said = [
        text("tested.found_mean", share=_share(first), **_asked(first)),
        _best_and_worst(report),
    ]
    return said + [
        text("tested.found_more", share=_share(point), **_asked(point)) for point in more
    ]


def _best_and_worst(report: Report) -> str:
    by_class = {e.name: e.sensitivity_at[0].sensitivity for e in report.classes}
    best = max(by_class, key=lambda name: by_class[name])
    worst = min(by_class, key=lambda name: by_class[name])
    return text(
        "tested.found_ends",
        best=best,
        most=percent(by_class[best], 0),
        worst=worst,
        least=percent(by_class[worst], 0),
    )


def _asked(point: OperatingPoint) -> dict[str, str]:
    return {"specificity": percent(point.specificity, 0)}
