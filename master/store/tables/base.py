"""The root of the master's tables. Times are seconds since the epoch (UTC)."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Integer, Text
from sqlalchemy.orm import DeclarativeBase

Document = dict[str, Any]

# SQLite numbers rows by itself only where the key is a plain INTEGER.
BigKey = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """Root of the tables."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        Document: JSON,
        list[Any]: JSON,
        int: BigInteger,
        str: Text,
    }
