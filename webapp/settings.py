"""The web app's settings: its role, and the servers that it may call.

They lie in a JSON file of mode 0600, because they hold tokens; the environment variable
`COMMONSIGHT_WEBAPP_CONFIG` names the file.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from federated.errors import FederationError
from federated.values import Slug, Value

VARIABLE = "COMMONSIGHT_WEBAPP_CONFIG"

Role = Literal["demo", "site", "console", "classroom"]
Address = Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=300)]


class SettingsError(FederationError):
    """The settings are missing or cannot be used."""

    code = "invalid_settings"


class ServerSettings(Value):
    """How to reach one server: its base address and the token to show it."""

    url: Address
    token: Annotated[str, Field(min_length=1, max_length=400)]


Member = Annotated[str, Field(pattern=r"^[^@\s]*@[^@\s]+$", max_length=254)]
"""An e-mail address, or `@clinic.example` for everybody of a domain."""


class SiteSettings(ServerSettings):
    """How to reach a site's child; `name` is the site's name."""

    name: Slug


class Settings(Value):
    """What the web app is, and whom it calls.

    Attributes:
        role: `site` (beside its child; may show pictures), `console` (beside the master),
            `classroom` (no server at all) or `demo` (everything on one computer).
        master: The master; needed by `console` and `demo`.
        sites: The children; one for `site`, any number for `demo`, none elsewhere.
        batches: Where public pictures lie: what the form of a new run offers first.
        address: Where browsers reach the web app: what its one-time links begin with.
        members: Who may sign in through the identity provider of `.streamlit/secrets.toml`;
            where nobody is named, one-time links open the web app.
        even_unverified: Whether a member's address counts without the provider's word that it is
            verified: only for a provider whose addresses your own organisation gives out.
    """

    role: Role
    master: ServerSettings | None = None
    sites: tuple[SiteSettings, ...] = ()
    batches: Annotated[str, Field(max_length=4096)] = ""
    address: Address = "http://127.0.0.1:8501"
    members: Annotated[tuple[Member, ...], Field(max_length=10_000)] = ()
    even_unverified: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.role in ("console", "classroom") and self.sites:
            raise ValueError(f"the role {self.role} must not know any site's token")
        if self.role in ("site", "classroom") and self.master:
            raise ValueError(f"the role {self.role} must not know the master's token")
        if self.role in ("console", "demo") and not self.master:
            raise ValueError(f"the role {self.role} needs a master")
        if self.role == "site" and len(self.sites) != 1:
            raise ValueError("the role site needs exactly one site: its own")
        return self


def keys_path(environment: Mapping[str, str]) -> Path | None:
    """The file of one-time links, beside the settings; None where there are no settings."""
    path = environment.get(VARIABLE)
    return Path(path).with_name(f"{Path(path).stem}-keys.json") if path else None


def load_settings(environment: Mapping[str, str]) -> Settings:
    """The settings of the file that `environment` names; the classroom where it names none.

    Raises:
        SettingsError: The file is missing, open to others, or not as expected.
    """
    if not environment.get(VARIABLE):
        return Settings(role="classroom")
    path = Path(environment[VARIABLE])
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        document = path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"The settings file named by {VARIABLE} cannot be read", received=error.strerror
        ) from error
    if mode & 0o077:
        raise SettingsError(
            "The settings file holds tokens and is open to other users of this computer",
            expected="mode 0600",
            received=f"mode {mode:04o}",
        )
    return _parsed(document)


def _parsed(document: bytes) -> Settings:
    try:
        return Settings.model_validate_json(document)
    except ValidationError as error:
        faults = (
            f"{'.'.join(str(part) for part in fault['loc']) or 'file'}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        )
        raise SettingsError(f"The settings file is not as expected ({'; '.join(faults)})") from None
