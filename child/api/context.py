"""What the views work with."""

from __future__ import annotations

from typing import cast

from flask import current_app

from child.services import Services

KEY = "commonsight.child"
"""Key in `app.extensions` of the child's `Services`."""


def services() -> Services:
    """The parts of the child that answers the call under way."""
    return cast(Services, current_app.extensions[KEY])
