"""Blobs of weights, and their statistics."""

from __future__ import annotations

from pathlib import Path
from typing import IO, cast

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
    """A blob; ETag, Range and If-Range are understood, so that a broken download goes on.

    A node gets only what its open tasks name, and the current global models.
    """
    master = services()
    if not _may_read(sha256):
        raise NotFound("There is no such blob", received=sha256[:64], code="missing_blob")
    answer = _file(master.blobs.path(sha256), sha256)
    if caller().role == "node":
        master.metrics.model_bytes.inc(answer.content_length or 0)
    return answer


@blueprint.get("/weights/<sha256>/statistics")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(WeightStatistics)
def get_statistics(sha256: str) -> WeightStatistics:
    """Statistics of global weights, whole and per tensor."""
    master = services()
    with master.database.read() as session:
        version = versions.with_weights(session, sha256, request.args.get("study"))
    return statistics_of(master, version.weights, version.signature)


def _file(path: Path, sha256: str) -> Response:
    """The answer with a blob; it is sent piece by piece, as fast as its reader takes it."""
    answer = send_file(
        path,
        mimetype=CONTENT_TYPE,
        etag=sha256,
        conditional=True,
        download_name=f"{sha256}.safetensors",
        max_age=0,
    )
    wrapper = request.environ.get("wsgi.file_wrapper")
    if answer.status_code == 206 and wrapper is not None and request.method == "GET":
        # The part of a file that Flask makes would go through the server's buffers, and hold
        # a thread until a slow reader has it; the server sends a file itself, from where it is.
        cast("IO[bytes]", answer.response).close()
        part = path.open("rb")
        part.seek(answer.content_range.start or 0)
        answer.response = wrapper(part)
    return answer


def _may_read(sha256: str) -> bool:
    """Updates say more about a site than a global model does: only the operator reads them."""
    who = caller()
    with services().database.read() as session:
        if who.role == "node":
            return versions.may_fetch(session, who.id, sha256)
        if who.role == "operator":
            return blob_references.is_used(session, sha256)
        return versions.is_global(session, sha256)
