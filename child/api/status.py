"""`GET /status`: what the child is and does."""

from __future__ import annotations

from apiflask import APIBlueprint

from child.api.context import services
from child.status import child_status
from federated.views import ChildStatus
from serving.auth import AUTH

blueprint = APIBlueprint("status", __name__, tag="Status")


@blueprint.get("/status")
@blueprint.auth_required(AUTH, roles=["site"])
@blueprint.output(ChildStatus)
def get_status() -> ChildStatus:
    """What this child does, its pictures' counts, its studies and their global model."""
    return child_status(services())
