"""The cards of the models that are held here, so that they are read with the master away."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from child.store.studies import StudyStore
from federated.messages import StudyPush
from federated.model_card import ModelCard
from serving.files import write_file

log = logging.getLogger(__name__)

LARGEST = 4 * 2**20
"""Bytes of the largest card that is read: a thousand classes at a thousand sites."""


class ModelCards:
    """The latest card of each study, one file a study.

    Args:
        folder: Where they lie; it exists.
        studies: The studies of this site: of others no card is kept.
    """

    def __init__(self, folder: Path, studies: StudyStore) -> None:
        self._folder = folder
        self._studies = studies

    def keep(self, cards: Sequence[ModelCard]) -> None:
        """Keeps what the master tells of the models that are held here."""
        for card in cards:
            if self._studies.find(card.study) is None:
                log.warning("The master told of a model whose study this site does not have")
                continue
            try:
                write_file(self._path(card.study), card.model_dump_json().encode())
            except OSError as error:
                # The heartbeat that brought it matters more, and the next one brings it again.
                log.warning("A model card could not be kept: %s", error.strerror)

    def of(self, push: StudyPush) -> ModelCard | None:
        """The card of a model; None where the master has told of none, or of another model."""
        path = self._path(push.study.id)
        try:
            if path.stat().st_size > LARGEST:
                return None
            card = ModelCard.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError):
            # It comes again with the next heartbeat.
            log.warning("The model card of %s cannot be read", push.study.id)
            return None
        same = (card.weights, card.frozen) == (push.weights, push.frozen)
        return card if same else None

    def mark(self, push: StudyPush | None) -> str:
        """What a heartbeat says of a model's card: its mark, empty without one."""
        card = self.of(push) if push is not None else None
        return card.mark if card is not None else ""

    def _path(self, study: str) -> Path:
        return self._folder / f"{study}.json"
