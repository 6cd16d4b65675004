"""The Flask application that both servers start from: errors, tokens, health, docs, metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import flask_swagger_ui
from apiflask import APIFlask
from flask import Response, request, send_from_directory
from flask.json.provider import DefaultJSONProvider
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from werkzeug.routing import IntegerConverter

from serving.auth import AUTH, VERIFY, Role, Verify
from serving.errors import ERROR_SCHEMA, install_error_handlers

MAX_JSON = 2**20
"""Bytes of a body; views that take files raise `request.max_content_length` themselves."""

LARGEST_NUMBER = 2**31 - 1
"""The largest number in an address: every database can look it up."""


class DatabaseInteger(IntegerConverter):
    """`<int:name>` in an address, as large as a database can hold."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **{"max": LARGEST_NUMBER} | settings)


class ShallowJson(DefaultJSONProvider):
    """JSON whose nesting the interpreter can follow."""

    def loads(self, s: str | bytes, **settings: Any) -> Any:
        """Reads a document.

        Raises:
            ValueError: It is no JSON, or nested too deeply.
        """
        try:
            return super().loads(s, **settings)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def create_app(
    title: str,
    version: str,
    *,
    verify: Verify,
    health: Callable[[], dict[str, Any]],
    registry: CollectorRegistry,
    readers: Sequence[Role],
) -> APIFlask:
    """An application with `/health`, `/metrics`, `/openapi.json` and `/docs` at its root.

    Args:
        title: The server's name in its documentation.
        version: Version of this software.
        verify: Finds the principal of a token.
        health: Facts beside `status` and `version` in the answer of `/health`.
        registry: The server's own Prometheus metrics.
        readers: Roles that may read `/metrics`, which tells how much a site holds and does.
    """
    # The description and its page are open: they say what this software can do, as its source
    # does, and nothing of this server; and a browser can open the page without a token.
    app = APIFlask(
        title, title=title, version=version, docs_path="/docs", spec_path="/openapi.json"
    )
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_JSON,
        SWAGGER_UI_CSS="/docs/scripts/swagger-ui.css",
        SWAGGER_UI_BUNDLE_JS="/docs/scripts/swagger-ui-bundle.js",
        SWAGGER_UI_STANDALONE_PRESET_JS="/docs/scripts/swagger-ui-standalone-preset.js",
        DOCS_FAVICON="/docs/scripts/favicon-32x32.png",
        VALIDATION_ERROR_STATUS_CODE=422,
        VALIDATION_ERROR_SCHEMA=ERROR_SCHEMA,
        HTTP_ERROR_SCHEMA=ERROR_SCHEMA,
    )
    app.json = ShallowJson(app)
    app.url_map.converters["int"] = DatabaseInteger
    app.extensions[VERIFY] = verify
    install_error_handlers(app)
    _serve_docs_scripts(app)

    @app.get("/health")
    def get_health() -> dict[str, Any]:
        """Whether the server lives, and its version."""
        return {"status": "ok", "version": version, **health()}

    @app.get("/metrics")
    @app.auth_required(AUTH, roles=list(readers))
    @app.doc(hide=True)
    def get_metrics() -> Response:
        """Figures for Prometheus."""
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    @app.before_request
    def take_one_range() -> None:
        # Nobody here sends several parts at once; HTTP lets a server answer with the whole then.
        if "," in request.headers.get("Range", ""):
            request.environ.pop("HTTP_RANGE")

    @app.after_request
    def harden(response: Response) -> Response:
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return app


def _serve_docs_scripts(app: APIFlask) -> None:
    """Swagger UI's scripts from the installed package: the docs work without a network."""
    folder = f"{flask_swagger_ui.__path__[0]}/dist"

    @app.get("/docs/scripts/<path:name>")
    @app.doc(hide=True)
    def docs_script(name: str) -> Response:
        return send_from_directory(folder, name)
