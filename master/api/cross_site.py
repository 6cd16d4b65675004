"""Each site's model at each other site: delivered by the sites, read by people."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import request

from federated.messages import UpdateReceipt
from federated.site_evaluation import MAX_EVALUATION
from federated.views import CrossSiteView
from master.api.context import NODE, PEOPLE, services
from master.site_evaluations import receive_evaluation
from master.store import cross_site_views, runs
from serving.auth import AUTH, caller

blueprint = APIBlueprint("cross_site", __name__, url_prefix="/api/v1", tag="Cross-site")


@blueprint.put("/tasks/<task_id>/evaluation")
@blueprint.auth_required(AUTH, roles=NODE)
@blueprint.output(UpdateReceipt)
@blueprint.doc(
    summary="Deliver an evaluation",
    description="The answer to a task of the kind `evaluate`: how each model that it names does "
    "on the site's own validation pictures. Numbers only. The same bytes get the same answer.",
    responses={
        409: "`other_evaluation`: other bytes came before; `wrong_kind`: the task trains",
        422: "What is wrong with it; the task is over",
    },
)
def deliver_evaluation(task_id: str) -> UpdateReceipt:
    """Takes the evaluation of a task from the node that holds it."""
    request.max_content_length = MAX_EVALUATION
    return receive_evaluation(services(), caller().id, task_id, request.get_data())


@blueprint.get("/runs/<run_id>/cross-site")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(CrossSiteView)
@blueprint.doc(responses={404: "There is no such run, or its plan does not have cross_site"})
def get_cross_site(run_id: str) -> CrossSiteView:
    """The last models of a run on each site's validation pictures; a site without says why."""
    with services().database.read() as session:
        return cross_site_views.view(session, runs.get(session, run_id))
