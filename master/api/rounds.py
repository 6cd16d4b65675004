"""Rounds of a run, their statistics and their evaluation."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field
from sqlalchemy.orm import Session

from federated.errors import NotFound
from federated.values import Message
from federated.views import CourseView, RoundStatistics, RoundView, WeightChanges
from master.api.context import PEOPLE, services
from master.api.query import number_in_query
from master.store import courses, evaluations, rounds, runs, versions
from master.store.tables import EvaluationRow, RoundRow
from master.weight_changes import changes
from master.weight_statistics import statistics_of
from serving.auth import AUTH

blueprint = APIBlueprint("rounds", __name__, url_prefix="/api/v1", tag="Rounds")


class RoundList(Message):
    """Answer of `GET /runs/<id>/rounds`."""

    rounds: list[RoundView] = Field(default_factory=list)


class RoundEvaluation(Message):
    """Reports of the model that a round made; `note` says why one is missing."""

    round: int
    test: dict[str, Any] | None
    audit: dict[str, Any] | None
    note: str | None


@blueprint.get("/runs/<run_id>/rounds")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(RoundList)
def list_rounds(run_id: str) -> RoundList:
    """All rounds of a run, in order."""
    with services().database.read() as session:
        runs.get(session, run_id)
        return RoundList(rounds=rounds.views(session, run_id))


@blueprint.get("/runs/<run_id>/rounds/<int:number>")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(RoundView)
def get_round(run_id: str, number: int) -> RoundView:
    """A round: tasks, updates, audits, shares, blob hashes before and after."""
    with services().database.read() as session:
        return rounds.view(session, rounds.get(session, run_id, number))


@blueprint.get("/runs/<run_id>/course")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(CourseView)
def get_course(run_id: str) -> Response:
    """How a run went in few bytes: figures of each round, and how each site fared in it."""
    with services().database.read() as session:
        view = courses.course(session, run_id)
    # As it is: of a long run it is some hundred thousand values, which nobody need check anew.
    return Response(view.model_dump_json(), content_type="application/json")


@blueprint.get("/runs/<run_id>/changes")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(WeightChanges)
def get_changes(run_id: str) -> WeightChanges:
    """How far each tensor of the global weights moved in each round, relative to its length."""
    with services().database.read() as session:
        runs.get(session, run_id)
    return changes(services(), run_id)


@blueprint.get("/runs/<run_id>/statistics")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(RoundStatistics)
def get_statistics(run_id: str) -> RoundStatistics:
    """Statistics of the global weights before and after a round, whole and per tensor."""
    master = services()
    with master.database.read() as session:
        row = _asked(session, run_id)
        before = versions.get(session, row.before_id)
        after = versions.get(session, row.after_id) if row.after_id else None
        number = row.number
    return RoundStatistics(
        run=run_id,
        round=number,
        before=statistics_of(master, before.weights, before.signature),
        after=statistics_of(master, after.weights, after.signature) if after else None,
    )


@blueprint.get("/runs/<run_id>/evaluation")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(RoundEvaluation)
def get_evaluation(run_id: str) -> RoundEvaluation:
    """Reports on the test and audit pictures for the model that a round made."""
    with services().database.read() as session:
        row = _asked(session, run_id)
        found = evaluations.of_version(session, row.after_id) if row.after_id else {}
        notes = [_note(row, part, found.get(part)) for part in ("test", "audit")]
        return RoundEvaluation(
            round=row.number,
            test=found["test"].report if "test" in found else None,
            audit=found["audit"].report if "audit" in found else None,
            note=" ".join(note for note in [*notes, rounds.note(session, row)] if note) or None,
        )


def _asked(session: Session, run_id: str) -> RoundRow:
    """The round that the query names, or the last that was closed, or the last.

    Raises:
        NotFound: There is none.
    """
    runs.get(session, run_id)
    number = number_in_query("round")
    if number is not None:
        return rounds.get(session, run_id, number)
    row = rounds.last(session, run_id, closed=True) or rounds.last(session, run_id)
    if row is None:
        raise NotFound("This run has no round yet", code="no_round")
    return row


def _note(row: RoundRow, part: str, evaluation: EvaluationRow | None) -> str | None:
    if row.after_id is None:
        return f"The {part} part: the round has made no model."
    if evaluation is None:
        return f"The {part} part: the master had no pictures for it when the round was closed."
    if evaluation.state == evaluations.DUE:
        return f"The {part} part: being evaluated."
    return None if evaluation.note is None else f"The {part} part: {evaluation.note}."
