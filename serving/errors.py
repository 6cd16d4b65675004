"""The one place where errors become HTTP: `{"error": code, "detail": sentence}`.

Where several things are wrong at once, `reasons` has each of them beside the one sentence.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from apiflask import APIFlask
from apiflask.exceptions import HTTPError
from flask import request
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError
from werkzeug.datastructures import Headers

from federated import errors
from serving.remote_blobs import RemoteAway
from serving.sentences import validation_sentence

log = logging.getLogger(__name__)

STATUSES: Mapping[type[errors.FederationError], int] = MappingProxyType(
    {
        errors.BrokenTransport: 400,
        errors.TooLarge: 413,
        errors.InvalidInput: 422,
        errors.NotFound: 404,
        errors.Conflict: 409,
        errors.NotAuthenticated: 401,
        errors.NotAllowed: 403,
        errors.Unavailable: 503,
        errors.StorageFailure: 507,
    }
)

_CODES = MappingProxyType(
    {
        400: "bad_request",
        401: "not_authenticated",
        403: "not_allowed",
        404: "not_found",
        405: "method_not_allowed",
        413: "too_large",
        415: "unsupported_media_type",
        416: "range_not_satisfiable",
        422: "invalid_input",
    }
)

_SENTENCES = MappingProxyType(
    {
        400: "The request cannot be read. Expected one JSON document, or a whole form where the "
        "call takes files. Received {size} of {kind}.",
        404: "There is nothing at this address. Expected an address that /openapi.json lists. "
        "Received {method} {path}.",
        405: "This address does not answer to that method. Expected {Allow}. "
        "Received {method} {path}.",
        413: "The body is too large. Expected at most {limit}. Received {size}.",
        415: "The body is of a kind that this call does not take. Expected application/json, or "
        "multipart/form-data where the call takes files. Received {kind}.",
        416: "The range is not part of the file. Expected bytes within {Content-Range}. "
        "Received {range}.",
    }
)
"""What the framework refuses by itself, in our three parts."""

ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["error", "detail"],
    "properties": {
        "error": {"type": "string", "description": "Machine-readable word"},
        "detail": {"type": "string", "description": "What is wrong, expected and received"},
        "reasons": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Where several things are wrong at once: each of them",
        },
    },
}
"""The body of every refusal, for the API's documentation."""

Answer = tuple[dict[str, Any], int, Headers]


def status_of(error: errors.FederationError) -> int:
    """HTTP status of an error: that of its nearest family; 500 without one."""
    return next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)


def install_error_handlers(app: APIFlask) -> None:
    """Maps every error that a view can raise to the one JSON form."""

    @app.errorhandler(errors.FederationError)
    def federation_error(error: errors.FederationError) -> Answer:
        body: dict[str, Any] = {"error": error.code, "detail": error.detail}
        if error.reasons:
            body["reasons"] = list(error.reasons)
        return body, status_of(error), Headers()

    @app.errorhandler(ValidationError)
    def validation_error(error: ValidationError) -> Answer:
        return {"error": "invalid_input", "detail": validation_sentence(error)}, 422, Headers()

    @app.errorhandler(OverflowError)
    def overflow_error(error: OverflowError) -> Answer:
        log.info("A number was larger than the database holds")
        sentence = "A number is too large for this server."
        return {"error": "invalid_input", "detail": sentence}, 422, Headers()

    @app.errorhandler(RemoteAway)
    @app.errorhandler(OperationalError)
    def storage_away(error: Exception) -> Answer:
        log.error("What keeps our things is away: %s", error)
        sentence = (
            "The server cannot reach its database or its blobs for now. "
            "Nothing of this call was kept. Try again a little later."
        )
        return {"error": "unavailable", "detail": sentence}, 503, Headers()

    @app.errorhandler(OSError)
    def os_error(error: OSError) -> Answer:
        log.exception("The disk refused")
        sentence = (
            f"The server could not write to its disk ({error.strerror or 'unknown reason'}). "
            "Nothing of this call was kept. Free some space, then try again."
        )
        return {"error": "storage_failure", "detail": sentence}, 507, Headers()

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Answer:
        log.exception("Unexpected error")
        sentence = "The server met an error that it did not expect; its log has the details."
        return {"error": "internal_error", "detail": sentence}, 500, Headers()

    @app.error_processor
    def http_error(error: HTTPError) -> Answer:
        return _http_body(error), error.status_code, Headers(error.headers)


def _http_body(error: HTTPError) -> dict[str, str]:
    code = _CODES.get(error.status_code, "http_error")
    faults = _flatten(error.detail)
    detail = "; ".join(faults) + "." if faults else _sentence(error)
    if error.status_code == 401:
        detail = "A token is needed. Expected the header 'Authorization: Bearer <token>'."
    if error.status_code == 403:
        detail = "This token's role may not do that."
    return {"error": code, "detail": detail}


def _sentence(error: HTTPError) -> str:
    """What is wrong, what was expected, what was received."""
    template = _SENTENCES.get(error.status_code)
    if template is None:
        return f"{error.message}."
    limit = request.max_content_length
    facts = {
        "method": request.method,
        "path": errors.cut(request.path, 80),
        "kind": errors.cut(request.mimetype or "no Content-Type", 80),
        "size": _bytes(request.content_length),
        "limit": "what the call takes" if limit is None else _bytes(limit),
        "range": errors.cut(request.headers.get("Range", "none"), 80),
        "Allow": "another one",
        "Content-Range": "the file",
    }
    return template.format_map(facts | dict(error.headers))


def _bytes(count: int | None) -> str:
    return "a body of unknown length" if count is None else f"{count} bytes"


def _flatten(detail: Any, path: str = "") -> list[str]:
    """Validation faults of a nested mapping as `field: message` lines."""
    if isinstance(detail, Mapping):
        joined = ((f"{path}.{key}".strip("."), value) for key, value in detail.items())
        return [line for inner, value in joined for line in _flatten(value, inner)]
    if isinstance(detail, list):
        return [f"{path}: {message}" for message in detail]
    return [f"{path}: {detail}"] if detail else []
