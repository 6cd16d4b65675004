"""What the views of the API work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from flask import current_app

from child.agent.contact import Contact
from child.global_models import GlobalModels
from child.intake import Intake
from child.pictures import PictureFolder
from child.prediction import Predictor
from child.settings import Settings
from child.store.access import AccessStore
from child.store.departures import DepartureStore
from child.store.pictures import PictureStore
from child.store.studies import StudyStore
from child.store.tasks import TaskStore
from child.tasks import Tasks
from serving.blobs import BlobStore

KEY = "commonsight.child"
"""Key in `app.extensions` of the child's `Services`."""


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one child.

    Attributes:
        changed: Tells the heartbeat that counts have changed.
    """

    settings: Settings
    access: AccessStore
    studies: StudyStore
    pictures: PictureStore
    departures: DepartureStore
    task_store: TaskStore
    folder: PictureFolder
    blobs: BlobStore
    intake: Intake
    models: GlobalModels
    tasks: Tasks
    predictor: Predictor
    contact: Contact
    changed: Callable[[], None]


def services() -> Services:
    """The parts of the child that answers the call under way."""
    return cast(Services, current_app.extensions[KEY])
