"""Who calls: bearer tokens, principals and roles.

Views say which roles they serve with `@blueprint.auth_required(AUTH, roles=[...])`. How a
token is looked up is each server's own matter; it hands `create_app` a `Verify`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

from apiflask import HTTPTokenAuth
from flask import current_app

Role = Literal["operator", "viewer", "node", "site", "master"]


@dataclass(frozen=True, slots=True)
class Principal:
    """Whose token it is.

    Attributes:
        role: What the holder may do.
        id: The node's id for the role `node`; else the token's own id.
    """

    role: Role
    id: str


Verify = Callable[[str], Principal | None]

VERIFY = "commonsight.verify"
"""Key in `app.extensions` of the server's `Verify`."""

AUTH = HTTPTokenAuth(scheme="Bearer", description="Minted by the server's `token` command.")


@AUTH.verify_token  # type: ignore[untyped-decorator,unused-ignore]
def _verify(token: str) -> Principal | None:
    verify = cast(Verify, current_app.extensions[VERIFY])
    return verify(token) if token else None


@AUTH.get_user_roles  # type: ignore[untyped-decorator,unused-ignore]
def _roles(principal: Principal) -> list[str]:
    return [principal.role]


def caller() -> Principal:
    """The principal of the call under way; only in views that require one."""
    return cast(Principal, AUTH.current_user)
