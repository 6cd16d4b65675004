"""The base of every value that is written down, hashed or sent: frozen and strict."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 digest as 64 lower-case hexadecimal digits."""

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
"""A name that is safe in an address and as a folder: `skin`, `clinic-a`."""

Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.()-]{0,63}$")]
"""A class's name, as people write it."""

Version = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.+-]{1,40}$")]
"""A software's version: `0.1.0`, `2.0.0-rc1+g12ab`."""

SERVER_URL = (
    r"^https?://([A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$"
)
"""A server's base address is scheme, host and port, so that a path can follow it safely."""

ServerUrl = Annotated[str, Field(pattern=SERVER_URL, max_length=300)]
"""Where a server is reached: `https://clinic.example.org:8443`."""

MAX_EXAMPLES = 100_000_000
"""No site has more labelled pictures than this; a larger claim is a forgery or a fault."""


class Value(BaseModel):
    """A frozen value; unknown fields are refused, so that a typing error is heard.

    NaN and infinities are refused too: JSON cannot carry them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Message(BaseModel):
    """A frozen value that travels; unknown fields are ignored, so that versions can mix."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


def canonical_json(document: Any) -> str:
    """`document` as JSON with sorted keys and no spaces: equal values give equal bytes."""
    return json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def sha256_of(document: Any) -> str:
    """SHA-256 (hexadecimal) of the canonical JSON of `document`."""
    return hashlib.sha256(canonical_json(document).encode()).hexdigest()
