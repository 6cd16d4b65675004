"""What the views work with, and the roles that they serve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app

from master.export import Exports
from master.known_tokens import KnownTokens
from master.paired_models import PairedModels
from master.services import Services
from master.uploads import Uploads

KEY = "commonsight.master"
"""Key in `app.extensions` of the master's `Context`."""

PEOPLE = ["operator", "viewer"]
OPERATOR = ["operator"]
NODE = ["node"]


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of one master, and those of them that only views use."""

    services: Services
    known_tokens: KnownTokens
    uploads: Uploads
    exports: Exports
    paired: PairedModels


def services() -> Services:
    """The parts of the master that answers the call under way."""
    return _context().services


def known_tokens() -> KnownTokens:
    """Where the tokens of the call under way are verified."""
    return _context().known_tokens


def uploads() -> Uploads:
    """Where the public pictures of the call under way go."""
    return _context().uploads


def exports() -> Exports:
    """Where the models that the call under way takes away come from."""
    return _context().exports


def paired() -> PairedModels:
    """Where the models that the call under way compares are measured."""
    return _context().paired


def _context() -> Context:
    return cast(Context, current_app.extensions[KEY])
