"""The base of every value that is written down, hashed or sent: frozen and strict."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from federated.errors import cut

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 digest as 64 lower-case hexadecimal digits."""

SLUG = r"^[a-z0-9][a-z0-9_-]{0,63}$"

LONGEST_LABEL = 64
"""Characters of a class's name."""

# Letters and marks by their category, which nobody sees: two such labels would look the same.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)

Version = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.+-]{1,40}$")]
"""A software's version: `0.1.0`, `2.0.0-rc1+g12ab`."""

SERVER_URL = (
    r"^https?://([A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$"
)
"""A server's base address is scheme, host and port, so that a path can follow it safely."""

BATCH_URL = (
    r"^((https?|ftps?)://[A-Za-z0-9.\-\[\]:]{1,255}(/[A-Za-z0-9._~/%+-]*)?"
    r"|s3://[A-Za-z0-9._-]{1,255}(/[A-Za-z0-9._~/%+-]*)?"
    r"|(file://)?/[^\x00-\x1f\x7f?#*\[\]{}]*)$"
)
"""Where batches lie: never with a name and password, which every reader of a plan would see."""


def label_key(name: str) -> str:
    """What two spellings of one label have in common: case and Unicode form do not count."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _slug(name: str) -> str:
    if re.fullmatch(SLUG, name):
        return name
    raise _refusal(
        "1 to 64 small letters (a-z), digits, '-' or '_', with a letter or digit first", name
    )


def _label(name: str) -> str:
    # Bounded first: the time that a Unicode form takes can grow with the square of the length.
    if len(name) <= 4 * LONGEST_LABEL:
        composed = unicodedata.normalize("NFC", name)
        if _is_label(composed):
            return composed
    raise _refusal(
        f"1 to {LONGEST_LABEL} letters, digits, spaces or '_.()-', with a letter or digit first",
        name,
    )


def _is_label(name: str) -> bool:
    kinds = [unicodedata.category(character) for character in name]
    return (
        1 <= len(name) <= LONGEST_LABEL
        and (kinds[0][0] == "L" or kinds[0] == "Nd")
        and not _INVISIBLE.search(name)
        and all(
            kind[0] in "LM" or kind == "Nd" or character in " _.()-"
            for kind, character in zip(kinds, name, strict=True)
        )
    )


def _server_url(url: str) -> str:
    address = url.removesuffix("/")
    if re.fullmatch(SERVER_URL, address):
        return address
    # An address may carry a password, which no log and no answer may show.
    raise _refusal(
        "http:// or https:// with host and port alone: no path, no question, no password",
        url.rpartition("@")[2],
    )


def _batch_url(url: str) -> str:
    address = url.rstrip("/") if url.strip("/") else url
    if re.fullmatch(BATCH_URL, address) and ".." not in address.split("/"):
        return address
    raise _refusal(
        "a whole folder path, or file://, http(s)://, ftp:// or s3:// without a password or query",
        url.rpartition("@")[2],
    )


def _refusal(expected: str, received: str) -> PydanticCustomError:
    """A fault in words, where pydantic would show a regular expression."""
    return PydanticCustomError(
        "wrong_form",
        "should be {expected}; received {received}",
        {"expected": expected, "received": cut(ascii(cut(received, 60)), 80)},
    )


Slug = Annotated[str, AfterValidator(_slug), Field(json_schema_extra={"pattern": SLUG})]
"""A name that is safe in an address and as a folder: `skin`, `clinic-a`."""

Label = Annotated[str, AfterValidator(_label)]
"""A class's name, as people write it, in Unicode's composed form: `mélanome`, `母斑`."""

ServerUrl = Annotated[
    str,
    Field(max_length=300, json_schema_extra={"pattern": SERVER_URL}),
    AfterValidator(_server_url),
]
"""Where a server is reached: `https://clinic.example.org:8443`; one slash at its end is dropped."""

BatchUrl = Annotated[
    str,
    Field(max_length=500, json_schema_extra={"pattern": BATCH_URL}),
    AfterValidator(_batch_url),
]
"""Where batches of public pictures lie, such as `ftp://pictures.example/skin` or `/srv/skin`."""

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
