"""What the views work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app

from master.export import Exports
from master.gallery import Gallery
from master.house import House

DESK = "commonsight.master"
"""Key in `app.extensions` of the server's `Desk`."""

PEOPLE = ["operator", "viewer"]
OPERATOR = ["operator"]
NODE = ["node"]


@dataclass(frozen=True, slots=True)
class Desk:
    """The parts of the master that views use."""

    house: House
    gallery: Gallery
    exports: Exports


def desk() -> Desk:
    """The desk of the application that answers the call under way."""
    return cast(Desk, current_app.extensions[DESK])
