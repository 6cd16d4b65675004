"""The runs of a study beside one another."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from federated.values import Message
from federated.views import Comparison, PairedView
from master.api.context import PEOPLE, paired, services
from master.store import comparisons
from serving.auth import AUTH

blueprint = APIBlueprint("comparison", __name__, url_prefix="/api/v1", tag="Studies")


class Compared(Message):
    """Which runs: their ids with commas between them; the newest 20 without."""

    runs: Annotated[str, Field(max_length=2000)] | None = None


class Paired(Message):
    """Which runs: their ids with commas between them, the reference first."""

    runs: Annotated[str, Field(max_length=2000)]


@blueprint.get("/studies/<study_id>/comparison")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.input(Compared, location="query", arg_name="query")
@blueprint.output(Comparison)
@blueprint.doc(responses={404: "There is no such study, or it has no such run"})
def get_comparison(study_id: str, query: Compared) -> Comparison:
    """Runs of a study: in which settings they differ, and what each came to."""
    wanted = None if query.runs is None else [name for name in query.runs.split(",") if name]
    with services().database.read() as session:
        return comparisons.compare(session, study_id, wanted)


@blueprint.get("/studies/<study_id>/paired")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.input(Paired, location="query", arg_name="query")
@blueprint.output(PairedView)
@blueprint.doc(responses={404: "There is no such study, or it has no such run with a model"})
def get_paired(study_id: str, query: Paired) -> PairedView:
    """The last models of some runs on the same test pictures: is one better by more than chance."""
    return paired().compare(study_id, [name for name in query.runs.split(",") if name])
