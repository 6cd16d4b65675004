"""The child's Flask application."""

from __future__ import annotations

import io
from typing import IO, Any

from apiflask import APIFlask
from flask import Request
from flask.json.provider import DefaultJSONProvider
from prometheus_client import CollectorRegistry

from child import VERSION
from child.api import images, imports, participation, predict, push, status
from child.api.context import KEY
from child.services import Services
from serving.app import create_app


class MemoryRequest(Request):
    """A request whose uploaded files stay in memory.

    Werkzeug would write large ones to temporary files; but no picture is to touch the disk
    before it is sanitised.
    """

    def _get_file_stream(self, *_arguments: Any, **_named: Any) -> IO[bytes]:
        return io.BytesIO()


def child_app(services: Services, registry: CollectorRegistry) -> APIFlask:
    """The application of a child with these parts."""
    app = create_app(
        "Commonsight child",
        VERSION,
        verify=services.tokens.verify,
        health=lambda: {"role": "child", "name": services.settings.name},
        registry=registry,
        readers=["site"],
    )
    app.request_class = MemoryRequest
    if isinstance(app.json, DefaultJSONProvider):
        # The order means something: most probable first, classes as the study has them.
        app.json.sort_keys = False
    app.extensions[KEY] = services
    for module in (status, images, imports, predict, push, participation):
        app.register_blueprint(module.blueprint, url_prefix="/api/v1")
    return app
