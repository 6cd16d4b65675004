"""How far each study's model can be relied on here, as measured when it was last asked."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from child.store.base import Base
from federated.uncertainty import Calibration, Sureness
from federated.values import Value
from serving.database import Database


class Measured(Value):
    """How far a model can be relied on.

    Attributes:
        blobs: SHA-256 of its parts, sorted.
        calibration: How its probabilities are put right.
        sureness: From where on it is sure.
        sureness_missing: Why that is not known.
    """

    blobs: tuple[str, ...]
    calibration: Calibration
    sureness: Sureness | None = None
    sureness_missing: str | None = None


class MeasuredRow(Base):
    """The latest measurement of one study."""

    __tablename__ = "measured"

    study: Mapped[str] = mapped_column(String(64), primary_key=True)
    document: Mapped[str] = mapped_column(Text)


class MeasuredStore:
    """The latest measurement of each study."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, study: str, found: Measured) -> None:
        """Notes a measurement in place of the one before; writes nothing where it is the same."""
        document = found.model_dump_json()
        with self._database.read() as session:
            before = session.get(MeasuredRow, study)
            if before is not None and before.document == document:
                return
        with self._database.write() as session:
            session.merge(MeasuredRow(study=study, document=document))

    def of(self, study: str, blobs: Iterable[str]) -> Measured | None:
        """What was measured of the model that has these parts; None where nothing was."""
        with self._database.read() as session:
            row = session.get(MeasuredRow, study)
            found = Measured.model_validate_json(row.document) if row else None
        return found if found is not None and found.blobs == tuple(sorted(blobs)) else None
