"""`GET /status`: what the child is and does."""

from __future__ import annotations

from apiflask import APIBlueprint

from child.api.context import services
from child.status import child_status, site_card
from federated.views import ChildStatus
from federated.views.site_card import SiteCard
from serving.auth import AUTH

blueprint = APIBlueprint("status", __name__, tag="Status")


@blueprint.get("/status")
@blueprint.auth_required(AUTH, roles=["site"])
@blueprint.output(ChildStatus)
def get_status() -> ChildStatus:
    """What this child does, its pictures' counts, its studies and their global model."""
    return child_status(services())


@blueprint.get("/studies/<study>/card")
@blueprint.auth_required(AUTH, roles=["site"])
@blueprint.output(SiteCard)
def get_card(study: str) -> SiteCard:
    """What is known here of the model of a study, the master away or not."""
    return site_card(services(), study)
