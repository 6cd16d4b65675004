"""Tokens: minted here, stored hashed where they are verified, in 0600 files where shown.

Tokens have 256 random bits, so a plain SHA-256 is enough: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path


def mint_token() -> str:
    """A new token: 43 URL-safe characters."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """What is stored of a token that this server verifies: its SHA-256, hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def write_secret(path: Path, secret: str) -> None:
    """Writes a secret that this server must present, readable by its owner alone.

    The file appears whole or not at all.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(path.name + ".draft")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def read_secret(path: Path) -> str | None:
    """A secret written before; None where there is none."""
    try:
        return path.read_text().strip() or None
    except FileNotFoundError:
        return None
