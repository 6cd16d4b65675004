"""What the parts of a child work with, made once by `child.server`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from child.agent.contact import Contact
from child.global_models import GlobalModels
from child.imports import Imports
from child.model_cards import ModelCards
from child.pictures import PictureFolder
from child.prediction import Predictor
from child.settings import Settings
from child.store.departures import DepartureStore
from child.store.participation import ParticipationStore
from child.store.pictures import PictureStore
from child.store.round_figures import RoundFiguresStore
from child.store.studies import StudyStore
from child.store.tasks import TaskStore
from child.store.tokens import TokenStore
from child.tasks import Tasks
from child.uploads import Uploads
from serving.blobs import BlobStore


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one child.

    Attributes:
        pulls: Whether this child asks the master for work instead of being called.
        changed: Tells the heartbeat that counts have changed.
    """

    settings: Settings
    tokens: TokenStore
    participation: ParticipationStore
    round_figures: RoundFiguresStore
    studies: StudyStore
    cards: ModelCards
    pictures: PictureStore
    departures: DepartureStore
    task_store: TaskStore
    folder: PictureFolder
    blobs: BlobStore
    uploads: Uploads
    imports: Imports
    models: GlobalModels
    tasks: Tasks
    predictor: Predictor
    contact: Contact
    pulls: bool
    changed: Callable[[], None]
