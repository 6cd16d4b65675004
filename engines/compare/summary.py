"""Many finished cases as few rows: mean, deviation and interval over seeds and folds."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence

from engines.compare.question import Kind
from engines.compare.results import Result
from federated.values import Value

# Student's t: the 0.975 quantile for 1 to 30 degrees of freedom, then that of the normal.
_T = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
_NORMAL = 1.960


class Spread(Value):
    """Repeated measurements of one figure.

    Attributes:
        values: In order of seed and fold.
        mean: Their mean.
        deviation: Their standard deviation (n - 1); None for one value.
        low: Lower end of the 95 % interval of the mean; None for one value. Over seeds alone, of
            the mean over all seeds on these same test pictures; over folds, see `spread`.
        high: Upper end of it.
    """

    values: tuple[float, ...]
    mean: float
    deviation: float | None
    low: float | None
    high: float | None


class Row(Value):
    """One way, over its seeds and folds.

    Attributes:
        kind: Which way.
        partition: How pictures were dealt out.
        strategy: The aggregation rule of the federated ways.
        variation: What differs from the plan.
        figures: Each figure that every repeat has; for sites alone the mean over the sites.
        margin: By how much `auc` is above that of the mean site alone, repeat by repeat.
        seconds: Of all repeats together.
        folds: Of the cross-validation that the repeats are from; None where only seeds differ.
    """

    kind: Kind
    partition: str | None
    strategy: str | None
    variation: str
    figures: dict[str, Spread]
    margin: Spread | None
    seconds: float
    folds: int | None


class NeverSeen(Value):
    """A class of which a site had no picture to train on.

    Attributes:
        partition: How pictures were dealt out.
        variation: What differs from the plan.
        site: The site.
        label: The class.
        alone: Recall of the class by the site's own model.
        federated: The same by the global model, by strategy.
    """

    partition: str
    variation: str
    site: str
    label: str
    alone: Spread | None
    federated: dict[str, Spread]


def spread(values: Sequence[float], folds: int | None = None) -> Spread:
    """Mean, standard deviation and interval of at least one value.

    Seeds on the same test pictures are taken as independent (Student's t), so their interval
    says nothing of other test pictures. Folds share their training pictures, and those of
    another seed are the same pictures again, so the variance of their mean is corrected: to
    1 / n is added what tests over what trains, 1 / (folds - 1).

    References:
        C. Nadeau, Y. Bengio, "Inference for the Generalization Error", Machine Learning 52,
        2003. For folds repeated over seeds: R. R. Bouckaert, E. Frank, "Evaluating the
        Replicability of Significance Tests for Comparing Learning Algorithms", PAKDD 2004.

    Args:
        values: Of each repeat.
        folds: Of the cross-validation that they are from, at least 2; None where only seeds differ.
    """
    count, mean = len(values), statistics.fmean(values)
    if count == 1:
        return Spread(values=tuple(values), mean=mean, deviation=None, low=None, high=None)
    deviation = statistics.stdev(values)
    quantile = _T[count - 2] if count - 2 < len(_T) else _NORMAL
    shared = 1 / (folds - 1) if folds else 0
    half = quantile * deviation * math.sqrt(1 / count + shared)
    return Spread(
        values=tuple(values), mean=mean, deviation=deviation, low=mean - half, high=mean + half
    )


def rows_of(results: Sequence[Result]) -> list[Row]:
    """A row for each way, in the order in which they first come."""
    ways: dict[tuple[str, str, str, str], list[Result]] = defaultdict(list)
    for result in results:
        ways[_way(result)].append(result)
    alone = {
        (way[1], way[3]): {_repeat(result): result for result in group}
        for way, group in ways.items()
        if way[0] == "alone"
    }
    folds = _folds(results)
    return [_row(group, alone.get((way[1], way[3]), {}), folds) for way, group in ways.items()]


def never_seen(results: Sequence[Result]) -> list[NeverSeen]:
    """Every class that a site had no picture of, in every repeat that there is."""
    groups: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        if result.case.partition is not None:
            groups[result.case.partition, result.case.variation].append(result)
    found, folds = [], _folds(results)
    for (partition, variation), group in groups.items():
        for site, label in _absent(group):
            recalls: dict[str, list[float]] = defaultdict(list)
            for result in group:
                recalls[_strategy(result)] += _recalls(result, site, label)
            spreads = {name: spread(values, folds) for name, values in recalls.items() if values}
            found.append(
                NeverSeen(
                    partition=partition,
                    variation=variation,
                    site=site,
                    label=label,
                    alone=spreads.pop("", None),
                    federated=spreads,
                )
            )
    return found


def _way(result: Result) -> tuple[str, str, str, str]:
    case = result.case
    return case.kind, case.partition or "", _strategy(result), case.variation


def _strategy(result: Result) -> str:
    return result.case.plan.strategy.name if result.case.kind == "federated" else ""


def _repeat(result: Result) -> tuple[int, int]:
    return result.case.plan.seed, result.case.fold or 0


def _folds(results: Sequence[Result]) -> int | None:
    """Folds of the cross-validation; where the last ones failed fewer, which widens intervals."""
    last = max((result.case.fold or 0 for result in results), default=0)
    return max(last, 2) if last else None


def _row(
    group: Sequence[Result], alone: Mapping[tuple[int, int], Result], folds: int | None
) -> Row:
    ordered = sorted(group, key=_repeat)
    case = ordered[0].case
    figures = {}
    for name in ordered[0].models[0].figures:
        values = [result.mean(name) for result in ordered]
        known = [value for value in values if value is not None]
        if len(known) == len(values):
            figures[name] = spread(known, folds)
    return Row(
        kind=case.kind,
        partition=case.partition,
        strategy=_strategy(ordered[0]) or None,
        variation=case.variation,
        figures=figures,
        margin=_margin(ordered, alone, folds) if case.kind == "federated" else None,
        seconds=sum(result.seconds for result in ordered),
        folds=folds,
    )


def _margin(
    group: Sequence[Result], alone: Mapping[tuple[int, int], Result], folds: int | None
) -> Spread | None:
    pairs = [(result, alone[_repeat(result)]) for result in group if _repeat(result) in alone]
    gains = [
        ours - theirs
        for result, other in pairs
        if (ours := result.mean("auc")) is not None and (theirs := other.mean("auc")) is not None
    ]
    return spread(gains, folds) if gains else None


def _absent(group: Sequence[Result]) -> list[tuple[str, str]]:
    """Sites and classes of which no repeat had a picture to train on."""
    first = group[0]
    return [
        (site, label)
        for site in first.holdings
        for label in first.case.study.classes
        if all(result.holdings.get(site, {}).get(label, 0) == 0 for result in group)
    ]


def _recalls(result: Result, site: str, label: str) -> list[float]:
    values = [model.recalls.get(label) for model in result.models if model.name in (site, "global")]
    return [value for value in values if value is not None]
