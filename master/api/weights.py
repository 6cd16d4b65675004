"""Blobs of weights, and their statistics."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, request, send_file

from federated.errors import NotFound
from federated.statistics import WeightStatistics
from federated.wire import CONTENT_TYPE
from master.api.context import PEOPLE, services
from master.api.openapi import file_answer
from master.store import blob_references, versions
from master.weight_statistics import statistics_of
from serving.auth import AUTH, caller

blueprint = APIBlueprint("weights", __name__, url_prefix="/api/v1", tag="Weights")


@blueprint.get("/weights/<sha256>")
@blueprint.auth_required(AUTH, roles=[*PEOPLE, "node"])
@blueprint.doc(responses=file_answer(CONTENT_TYPE, "Safetensors"))
def get_weights(sha256: str) -> Response:
    """A blob; ETag and Range are understood. A node gets only blobs that its tasks name."""
    master = services()
    if not _may_read(sha256):
        raise NotFound("There is no such blob", received=sha256[:64], code="missing_blob")
    return send_file(
        master.blobs.path(sha256),
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
    master = services()
    with master.database.read() as session:
        version = versions.with_weights(session, sha256, request.args.get("study"))
    return statistics_of(master, version.weights, version.signature)


def _may_read(sha256: str) -> bool:
    """Updates say more about a site than a global model does: only the operator reads them."""
    who = caller()
    with services().database.read() as session:
        if who.role == "node":
            return versions.may_fetch(session, who.id, sha256)
        if who.role == "operator":
            return blob_references.is_used(session, sha256)
        return versions.is_global(session, sha256)
