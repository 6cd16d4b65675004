"""The card of a model, as a site is told of it: figures that tell of no single picture."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from federated.messages import StudyCounts
from federated.model_card import (
    LEAST_TOLD,
    MOST_BINS,
    MOST_SITES,
    CardBin,
    CoarseCounts,
    Estimate,
    ModelCard,
    TestedClass,
    TestedModel,
    coarse,
    coarse_counts,
)
from federated.states import TaskState
from master.headline import headline
from master.store.tables import EvaluationRow, HoldingRow, RunRow, TaskRow, VersionRow

MOST_CARDS = 4
"""Cards told to a node at once; the rest can wait."""

OF_MODEL = (
    "accuracy",
    "balanced_accuracy",
    "auc",
    "average_precision",
    "sensitivity_at_90",
    "calibration_error",
    "brier",
    "loss",
)
OF_CLASS = ("recall", "precision", "specificity", "auc")


def news(
    session: Session, node_id: str, reports: Mapping[str, StudyCounts], licence: str | None
) -> tuple[ModelCard, ...]:
    """The cards of the models that a node holds and, by what it reports, has no such card of."""
    found: list[ModelCard] = []
    for study, report in sorted(reports.items()):
        version = _version(session, study, report) if report.card is not None else None
        if version is None or len(found) == MOST_CARDS:
            continue
        mark = _mark(session, version, licence)
        if mark != report.card:
            card = _card(session, node_id, version, mark)
            found.append(card.model_copy(update={"licence": licence}))
    return tuple(found)


def _version(session: Session, study: str, report: StudyCounts) -> VersionRow | None:
    if report.weights is None:
        return None
    query = select(VersionRow).where(
        VersionRow.study_id == study,
        VersionRow.weights == report.weights,
        VersionRow.frozen == report.frozen
        if report.frozen is not None
        else VersionRow.frozen.is_(None),
    )
    return session.scalar(query.order_by(VersionRow.id.desc()).limit(1))


def _mark(session: Session, version: VersionRow, licence: str | None) -> str:
    """Changes with model, evaluation and licence alone: counts are told as they then were."""
    query = select(EvaluationRow.state, EvaluationRow.at).where(
        EvaluationRow.version_id == version.id, EvaluationRow.part == "test"
    )
    tested = session.execute(query).one_or_none()
    said = f"{version.id} {tuple(tested) if tested else None} {licence}"
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _card(session: Session, node_id: str, version: VersionRow, mark: str) -> ModelCard:
    query = select(EvaluationRow.report).where(
        EvaluationRow.version_id == version.id, EvaluationRow.part == "test"
    )
    report = session.scalar(query)
    return ModelCard(
        mark=mark,
        study=version.study_id,
        weights=version.weights,
        frozen=version.frozen,
        made_at=version.created_at,
        parameters=version.parameters,
        others=_others(session, node_id, version.study_id) if version.run_id else (),
        test=card_figures(report) if report else None,
    )


def _others(session: Session, node_id: str, study: str) -> tuple[CoarseCounts, ...]:
    """What each other site holds that has trained the study's own model, without its name."""
    trained = (
        select(TaskRow.node_id)
        .join(RunRow, RunRow.id == TaskRow.run_id)
        .where(RunRow.study_id == study, RunRow.publish, TaskRow.kind == "train")
        .where(TaskRow.state == TaskState.ACCEPTED, TaskRow.node_id != node_id)
    )
    query = select(HoldingRow.counts).where(
        HoldingRow.study_id == study, HoldingRow.node_id.in_(trained)
    )
    told = [coarse_counts(counts) for counts in session.scalars(query)]
    # By size: any order of the master's own could tell which site is which.
    told.sort(key=lambda counts: (-sum(counts.values()), sorted(counts.items())))
    return tuple(told[:MOST_SITES])


def card_figures(report: Mapping[str, Any]) -> TestedModel | None:
    """What a card tells of an evaluation; None where it is of too few pictures.

    Args:
        report: `models.measures.Report` as JSON.
    """
    if report["num_examples"] < LEAST_TOLD:
        return None
    first = headline(report)
    intervals = report.get("intervals") or {}
    figures = {
        name: _estimate(first.get(name), _ends(first, name) or intervals.get(name))
        for name in OF_MODEL
    }
    return TestedModel(
        num_examples=coarse(report["num_examples"]),
        figures={name: figure for name, figure in figures.items() if figure},
        classes=tuple(_class(entry) for entry in report["classes"]),
        reliability=tuple(map(_bin, _filled(report)))[:MOST_BINS],
    )


def _ends(figures: Mapping[str, float | None], name: str) -> dict[str, float | None] | None:
    low, high = figures.get(f"{name}_low"), figures.get(f"{name}_high")
    return None if low is None or high is None else {"low": low, "high": high}


def _estimate(value: float | None, ends: Mapping[str, Any] | None) -> Estimate | None:
    if value is None:
        return None
    try:
        return Estimate(value=value, **(ends or {}))
    except ValidationError:
        # A loss beyond all bounds says nothing that a reader could use.
        return None


def _class(entry: Mapping[str, Any]) -> TestedClass:
    support = coarse(entry["support"])
    intervals = entry.get("intervals") or {}
    figures = {name: _estimate(entry.get(name), intervals.get(name)) for name in OF_CLASS}
    known = {name: figure for name, figure in figures.items() if figure and support}
    return TestedClass(name=entry["name"], support=support, figures=known)


def _filled(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    bins: list[Mapping[str, Any]] = report.get("reliability") or []
    return [entry for entry in bins if entry["count"] >= LEAST_TOLD]


def _bin(entry: Mapping[str, Any]) -> CardBin:
    return CardBin(**{**entry, "count": coarse(entry["count"])})
