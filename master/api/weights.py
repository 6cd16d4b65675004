"""Blobs of weights, and their statistics."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, request, send_file

from federated.errors import NotFound
from federated.statistics import WeightStatistics
from federated.wire import CONTENT_TYPE
from master.api.desk import PEOPLE, desk
from master.api.documented import file_answer
from master.coordinator.figures import compute
from master.store import references, versions
from serving.auth import AUTH, caller

blueprint = APIBlueprint("weights", __name__, url_prefix="/api/v1", tag="Weights")


@blueprint.get("/weights/<sha256>")
@blueprint.auth_required(AUTH, roles=[*PEOPLE, "node"])
@blueprint.doc(responses=file_answer(CONTENT_TYPE, "Safetensors"))
def get_weights(sha256: str) -> Response:
    """A blob; ETag and Range are understood. A node gets only blobs that its tasks name."""
    house = desk().house
    if not _may_read(sha256):
        raise NotFound("There is no such blob", received=sha256[:64], code="missing_blob")
    return send_file(
        house.blobs.path(sha256),
        mimetype=CONTENT_TYPE,
        etag=sha256,
        conditional=True,
        download_name=f"{sha256}.safetensors",
        max_age=0,
    )


@blueprint.get("/weights/<sha256>/statistics")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(WeightStatistics)
def get_statistics(sha256: str) -> WeightStatistics:
    """Statistics of global weights, whole and per tensor."""
    house = desk().house
    with house.database.read() as session:
        version = versions.with_weights(session, sha256, request.args.get("study"))
    return compute(house, version.weights, version.signature)


def _may_read(sha256: str) -> bool:
    """Updates say more about a site than a global model does: only the operator reads them."""
    who = caller()
    with desk().house.database.read() as session:
        if who.role == "node":
            return versions.may_fetch(session, who.id, sha256)
        if who.role == "operator":
            return references.is_used(session, sha256)
        return versions.is_global(session, sha256)
