"""What a model card tells, gathered from where it is known: at a site, or at the master.

The parts of the card are those of Mitchell et al., "Model Cards for Model Reporting", FAT* 2019,
arXiv:1810.03993. At a site the figures came with the model, in tens of pictures and without
another site's name; the operator's card has them as the master knows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from federated.model_card import Estimate, TestedModel
from federated.plan import Plan
from federated.study import Study
from federated.uncertainty import Calibration, Sureness
from federated.views import ChildStatus, ChildStudy, NodeView, StudyView
from federated.views.site_card import SiteCard
from webapp.api.evaluation import ClassFigures, Interval, OperatingPoint, ReliabilityBin, Report

POINT = "sensitivity_at_90"


@dataclass(frozen=True, slots=True)
class Holder:
    """Pictures by class at one site.

    Attributes:
        name: The site's name; None where it is not told.
        counts: By class.
        coarse: Whether counts are rounded down to tens, and small ones left out.
    """

    name: str | None
    counts: Mapping[str, int]
    coarse: bool = False


@dataclass(frozen=True, slots=True)
class CardFacts:
    """Everything that a model card tells.

    Attributes:
        study: The classification problem.
        model: Name of the architecture.
        run: Run that made it; None for an initial model.
        round: Round that made it; 0 for an initial model.
        weights: SHA-256 of its weights.
        frozen: SHA-256 of its frozen part.
        parameters: Number of values that were trained.
        made_at: When it was made.
        received_at: When the site received it.
        master: Address of the master; None at the console.
        plan: What it was trained by.
        holders: The sites with their pictures.
        test: Figures on the master's test pictures.
        coarse: Whether `test` counts in tens.
        local: Whether `calibration` is the site's own to measure.
        calibration: As the site measured it.
        sureness: As the site measured it.
        sureness_missing: Why there is none.
        licence: What the operator permits with the model; None where nothing is said.
    """

    study: Study
    model: str
    run: str | None
    round: int
    weights: str
    frozen: str | None = None
    parameters: int | None = None
    made_at: float | None = None
    received_at: float | None = None
    master: str | None = None
    plan: Plan | None = None
    holders: tuple[Holder, ...] = ()
    test: Report | None = None
    coarse: bool = False
    local: bool = False
    calibration: Calibration | None = None
    sureness: Sureness | None = None
    sureness_missing: str | None = None
    licence: str | None = None


def at_a_site(status: ChildStatus, held: ChildStudy, known: SiteCard) -> CardFacts | None:
    """The card as a site knows it; None while it holds no model."""
    if held.weights is None:
        return None
    told = known.card if known.card and known.card.weights == held.weights else None
    others = [Holder(None, counts, coarse=True) for counts in told.others] if told else []
    return CardFacts(
        study=held.study,
        model=held.model,
        run=held.run,
        round=held.round,
        weights=held.weights,
        frozen=held.frozen,
        parameters=told.parameters if told else None,
        made_at=told.made_at if told else None,
        received_at=held.received_at,
        master=status.master,
        plan=known.plan,
        holders=(Holder(status.name, held.counts), *others),
        test=as_report(told.test) if told and told.test else None,
        coarse=True,
        local=True,
        calibration=known.calibration,
        sureness=known.sureness,
        sureness_missing=known.sureness_missing,
        licence=told.licence if told else None,
    )


def at_the_master(
    study: StudyView,
    nodes: list[NodeView],
    plan: Plan,
    made_at: float | None,
    test: Report | None,
) -> CardFacts | None:
    """The card as the operator sees it; None while the study has no model."""
    current = study.current
    if current is None:
        return None
    counts = {node.name: node.studies.get(study.study.id, {}) for node in nodes}
    return CardFacts(
        study=study.study,
        model=current.model,
        run=current.run,
        round=current.round,
        weights=current.weights,
        frozen=current.frozen,
        parameters=current.parameters,
        made_at=made_at,
        plan=plan,
        holders=tuple(Holder(name, held) for name, held in counts.items() if any(held.values())),
        test=test,
        licence=study.licence,
    )


def as_report(told: TestedModel) -> Report:
    """The figures of a card in the form of the master's own reports."""
    known = {name: figure.value for name, figure in told.figures.items()}
    point = told.figures.get(POINT)
    return Report(
        num_examples=told.num_examples,
        loss=known.get("loss", 0.0),
        accuracy=known.get("accuracy", 0.0),
        balanced_accuracy=known.get("balanced_accuracy", 0.0),
        auc=known.get("auc"),
        auc_missing=None,
        average_precision=known.get("average_precision"),
        sensitivity_at=(_point(point),) if point else (),
        classes=tuple(
            ClassFigures(
                name=entry.name,
                support=entry.support,
                f1=None,
                roc=(),
                intervals=_intervals(entry.figures),
                precision=_value(entry.figures, "precision"),
                recall=_value(entry.figures, "recall"),
                specificity=_value(entry.figures, "specificity"),
                auc=_value(entry.figures, "auc"),
            )
            for entry in told.classes
        ),
        confusion=(),
        calibration_error=known.get("calibration_error"),
        reliability=tuple(ReliabilityBin(**entry.model_dump()) for entry in told.reliability),
        brier=known.get("brier"),
        intervals=_intervals(told.figures),
    )


def _value(figures: Mapping[str, Estimate], name: str) -> float | None:
    return figures[name].value if name in figures else None


def _intervals(figures: Mapping[str, Estimate]) -> dict[str, Interval]:
    return {
        name: Interval(low=figure.low, high=figure.high)
        for name, figure in figures.items()
        if figure.low is not None and figure.high is not None
    }


def _point(figure: Estimate) -> OperatingPoint:
    ends = _intervals({POINT: figure}).get(POINT)
    return OperatingPoint(
        specificity=0.9, reached=None, sensitivity=figure.value, threshold=None, interval=ends
    )
