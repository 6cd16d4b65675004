"""Who may enter through an identity provider (OpenID Connect).

The provider is Streamlit's own affair: `[auth]` in `.streamlit/secrets.toml`. Whom it may let in
here is said by our settings: everybody has an account somewhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from streamlit.web.server.starlette.starlette_websocket import _get_signed_cookie_with_chunks

from webapp.settings import Settings

USER_COOKIE = "_streamlit_user"


def provider_library() -> bool:
    """Whether all is there that Streamlit needs to talk to a provider: `streamlit[auth]`."""
    return all(map(find_spec, ("authlib", "httpx", "httpcore")))


@dataclass(frozen=True, slots=True)
class Members:
    """Who may enter.

    Attributes:
        addresses: E-mail addresses, and `@clinic.example` for all of a domain; where there are
            none, nobody is asked for an account.
        even_unverified: Whether an address counts of which the provider does not say that it is
            verified. One that it says to be unverified never does.
    """

    addresses: tuple[str, ...] = ()
    even_unverified: bool = False

    def __bool__(self) -> bool:
        """Whether anybody is named."""
        return bool(self.addresses)

    def admits(self, user: Mapping[str, object]) -> bool:
        """Whether this is a signed-in user who is among the members.

        Args:
            user: What the provider says.
        """
        verified = user.get("email_verified", self.even_unverified)
        if not user.get("is_logged_in") or verified not in (True, "true"):
            return False
        address = _folded(str(user.get("email") or ""))
        name, _, domain = address.rpartition("@")
        allowed = {_folded(member) for member in self.addresses}
        return bool(name) and (address in allowed or f"@{domain}" in allowed)


NOBODY = Members()


def members_of(settings: Settings) -> Members:
    """Who may enter by these settings."""
    return Members(settings.members, settings.even_unverified)


def _folded(address: str) -> str:
    """An address in small letters: of ASCII alone, for `straße` and `strasse` are two domains."""
    return "".join(sign.lower() if sign.isascii() else sign for sign in address)


def user_of(cookies: Mapping[str, str]) -> Mapping[str, object]:
    """Whom Streamlit's own signed cookie names; nobody where there is none or it is forged."""
    try:
        signed = _get_signed_cookie_with_chunks(dict(cookies), USER_COOKIE)
        user = json.loads(signed) if signed else {}
    except Exception:
        # Secrets without a signing key, or a cookie that is none: nobody is signed in.
        return {}
    return user if isinstance(user, dict) else {}
