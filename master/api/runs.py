"""Runs: started, listed, steered, taken away."""

from __future__ import annotations

from collections.abc import Callable

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field
from sqlalchemy.orm import Session

from federated.errors import NotFound
from federated.values import Message
from federated.views import BatchesView, RunView, SearchView
from master.api.context import OPERATOR, PEOPLE, services
from master.api.new_run import REFUSALS, NewRun, check_new_run
from master.api.openapi import file_answer
from master.api.query import number_in_query
from master.api.studies import keras_file
from master.history import history_csv
from master.store import rounds, run_batches, runs, trials, versions
from serving.auth import AUTH

blueprint = APIBlueprint("runs", __name__, url_prefix="/api/v1", tag="Runs")


class RunList(Message):
    """Answer of `GET /runs`."""

    runs: list[RunView] = Field(default_factory=list)


@blueprint.post("/runs")
@blueprint.auth_required(AUTH, roles=OPERATOR)
@blueprint.input(NewRun, arg_name="message")
@blueprint.output(RunView, status_code=201)
@blueprint.doc(responses=REFUSALS)
def create_run(message: NewRun) -> RunView:
    """Starts a run; an impossible plan, or one for too few sites, is refused with every reason."""
    master = services()
    study, plan, checked = check_new_run(message)
    checked.require_possible()
    with master.database.write() as session:
        run = runs.create(session, master.new_id(), study.id, plan, master.now())
        if checked.kept is not None:
            run_batches.keep(session, run.id, checked.kept)
        view = runs.view(session, run)
    master.wakeup.notify()
    return view


@blueprint.get("/runs")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(RunList)
def list_runs() -> RunList:
    """All runs, newest first."""
    with services().database.read() as session:
        return RunList(runs=runs.views(session))


@blueprint.get("/runs/<run_id>")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(RunView)
def get_run(run_id: str) -> RunView:
    """A run with the tasks of its round under way."""
    with services().database.read() as session:
        return runs.view(session, runs.get(session, run_id))


@blueprint.get("/runs/<run_id>/batches")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(BatchesView)
def get_batches(run_id: str) -> BatchesView:
    """The public pictures of a run, as their index was when the run was made."""
    with services().database.read() as session:
        return run_batches.view(session, run_id)


@blueprint.get("/runs/<run_id>/search")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(SearchView)
@blueprint.doc(responses={404: "There is no such run, or its plan does not search"})
def get_search(run_id: str) -> SearchView:
    """What a run has tried: hyperparameters of each task, and the accuracy that came of them."""
    with services().database.read() as session:
        return trials.view(session, runs.get(session, run_id))


@blueprint.post("/runs/<run_id>/pause")
@blueprint.auth_required(AUTH, roles=OPERATOR)
@blueprint.output(RunView)
def pause_run(run_id: str) -> RunView:
    """Lets the round under way end, and opens no other."""
    return _steer(run_id, runs.pause)


@blueprint.post("/runs/<run_id>/resume")
@blueprint.auth_required(AUTH, roles=OPERATOR)
@blueprint.output(RunView)
def resume_run(run_id: str) -> RunView:
    """Lets a paused run go on."""
    return _steer(run_id, runs.resume)


@blueprint.post("/runs/<run_id>/stop")
@blueprint.auth_required(AUTH, roles=OPERATOR)
@blueprint.output(RunView)
def stop_run(run_id: str) -> RunView:
    """Ends a run for good; the last good global model stays."""
    return _steer(run_id, runs.stop)


@blueprint.get("/runs/<run_id>/model")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.doc(responses=file_answer("application/zip", "A .keras file"))
def get_model(run_id: str) -> Response:
    """The model that a round made (`?round=n`), or the run's latest, as a `.keras` file."""
    with services().database.read() as session:
        run = runs.get(session, run_id)
        number = number_in_query("round")
        if number is None and run.version_id is None:
            raise NotFound("This run has no model yet", code="no_model")
        version = (
            versions.get(session, run.version_id or 0)
            if number is None
            else versions.of_round(session, run_id, number)
        )
    return keras_file(version)


@blueprint.get("/runs/<run_id>/history.csv")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.doc(responses=file_answer("text/csv", "CSV"))
def get_history(run_id: str) -> Response:
    """One row for each round and site, with the global figures of the round beside it."""
    with services().database.read() as session:
        runs.get(session, run_id)
        text = history_csv(rounds.views(session, run_id))
    headers = {"Content-Disposition": f"attachment; filename=run-{run_id}.csv"}
    return Response(text, mimetype="text/csv", headers=headers)


def _steer(run_id: str, move: Callable[[Session, str, float], None]) -> RunView:
    master = services()
    with master.database.write() as session:
        move(session, run_id, master.now())
    master.wakeup.notify()
    with master.database.read() as session:
        return runs.view(session, runs.get(session, run_id))
