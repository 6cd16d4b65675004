"""Tokens: minted here, stored hashed where they are verified, in 0600 files where shown.

Tokens have 256 random bits, so a plain SHA-256 is enough: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

from serving.files import write_file


def mint_token() -> str:
    """A new token: 43 URL-safe characters."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """What is stored of a token that this server verifies: its SHA-256, hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def write_secret(path: Path, secret: str) -> None:
    """Writes a secret that this server must present, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_file(path, secret.encode())


def read_secret(path: Path) -> str | None:
    """A secret written before; None where there is none."""
    try:
        return path.read_text().strip() or None
    except FileNotFoundError:
        return None
