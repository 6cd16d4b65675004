"""Tokens that this child verifies, stored hashed."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Float, String, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from child.store.base import Base
from serving.auth import Principal, Role
from serving.database import Database
from serving.tokens import hash_token, mint_token


class TokenRow(Base):
    """One token, by the hash of it."""

    __tablename__ = "tokens"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    role: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[float] = mapped_column(Float)


class TokenStore:
    """Who may call."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def mint(self, role: Role) -> str:
        """A new token for `role`; this is the only time that it can be read."""
        token = mint_token()
        with self._database.write() as session:
            session.add(TokenRow(hash=hash_token(token), role=role, created_at=self._now()))
        return token

    def keep_only(self, token: str, role: Role) -> None:
        """Ends every other token of `role`."""
        others = delete(TokenRow).where(TokenRow.role == role, TokenRow.hash != hash_token(token))
        with self._database.write() as session:
            session.execute(others)

    def verify(self, token: str) -> Principal | None:
        """Whose token this is; None for a token that this child does not know."""
        digest = hash_token(token)
        with self._database.read() as session:
            role = session.scalar(select(TokenRow.role).where(TokenRow.hash == digest))
        return _principal(role, digest)


def _principal(role: str | None, digest: str) -> Principal | None:
    if role == "site":
        return Principal("site", digest[:12])
    if role == "master":
        return Principal("master", digest[:12])
    return None
