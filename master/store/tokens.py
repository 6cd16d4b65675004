"""Tokens: minted, verified by their hash, and redeemed once where they are join tokens."""

from __future__ import annotations

from typing import Any, Literal, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from federated.errors import NotAuthenticated
from master.store.tables import TokenRow
from serving.auth import Principal, Role
from serving.tokens import hash_token, mint_token

JOIN_SECONDS = 7 * 86_400.0
REPEAT_SECONDS = 600.0
"""How long a child whose first call was not answered may make it again."""

TokenRole = Literal["operator", "viewer", "node", "join"]


def mint(
    session: Session,
    role: TokenRole,
    now: float,
    *,
    node: str | None = None,
    approve: bool = False,
) -> str:
    """A new token; this is the only time that it can be seen."""
    token = mint_token()
    digest = hash_token(token)
    session.add(
        TokenRow(
            id=digest[:16],
            role=role,
            hash=digest,
            node_id=node,
            approve=approve,
            created_at=now,
            expires_at=now + JOIN_SECONDS if role == "join" else None,
        )
    )
    return token


def principal(session: Session, token: str) -> Principal | None:
    """Whose token it is; None for an unknown one, and for a join token, which opens nothing."""
    row = session.scalar(select(TokenRow).where(TokenRow.hash == hash_token(token)))
    if row is None or row.role == "join":
        return None
    return Principal(role=cast(Role, row.role), id=row.node_id or row.id)


def usable(session: Session, token: str, now: float) -> TokenRow:
    """A join token that nobody has used yet.

    Raises:
        NotAuthenticated: It is unknown, used up or too old.
    """
    row = session.scalar(
        select(TokenRow).where(
            TokenRow.hash == hash_token(token),
            TokenRow.role == "join",
            TokenRow.used_at.is_(None),
            TokenRow.expires_at > now,
        )
    )
    if row is None:
        raise _unusable()
    return row


def redeem(session: Session, token: TokenRow, node: str, now: float) -> None:
    """Uses up a join token for a node.

    Raises:
        NotAuthenticated: Somebody else was quicker.
    """
    statement = (
        update(TokenRow)
        .where(TokenRow.id == token.id, TokenRow.used_at.is_(None))
        .values(used_at=now, node_id=node)
    )
    if cast("CursorResult[Any]", session.execute(statement)).rowcount != 1:
        raise _unusable()


def redeemed_lately(session: Session, token: str, now: float) -> str | None:
    """The node for which a join token was used up moments ago, if it was."""
    return session.scalar(
        select(TokenRow.node_id).where(
            TokenRow.hash == hash_token(token),
            TokenRow.role == "join",
            TokenRow.used_at > now - REPEAT_SECONDS,
            TokenRow.expires_at > now,
        )
    )


def revoke(session: Session, node: str) -> None:
    """Makes the tokens of a node worthless."""
    for row in session.scalars(
        select(TokenRow).where(TokenRow.node_id == node, TokenRow.role == "node")
    ):
        session.delete(row)


def _unusable() -> NotAuthenticated:
    return NotAuthenticated(
        "This join token cannot be used",
        expected="one that the operator made, not older than 7 days and not used before",
        code="bad_join_token",
    )
