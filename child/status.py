"""What the child shows of itself: its status, for people, and its heartbeat, for the master."""

from __future__ import annotations

from typing import Literal

from child import VERSION
from child.model_cards import ModelCards
from child.services import Services
from child.store.pictures import PictureStore
from child.store.studies import HeldStudy, StudyStore
from child.store.tasks import OPEN, HeldTask, TaskStore
from child.training import Training
from federated.messages import Heartbeat, StudyCounts
from federated.views import ChildStatus, ChildStudy, ChildTask
from federated.views.site_card import SiteCard

STORAGE = (
    "Pictures are kept on this site's own computer only. What is sent to the master are model "
    "weights, figures and counts, never a picture. Where a plan measures models across sites, the "
    "master passes the weights of this site's last update on to the other sites, without its name."
)


def child_status(child: Services) -> ChildStatus:
    """What this child does and holds."""
    standing = child.contact.standing
    latest = child.task_store.latest()
    return ChildStatus(
        name=child.settings.name,
        version=VERSION,
        mode="pull" if child.pulls else "push",
        master=child.settings.master,
        master_reachable=standing.reachable,
        last_contact=standing.last_contact,
        node_state=standing.node_state,
        activity=activity(child.tasks.training),
        task=_task(latest, child.tasks.training) if latest is not None else None,
        studies=[_study(held, child) for held in child.studies.all()],
        storage=STORAGE,
        demo=child.settings.demo,
    )


def activity(training: Training) -> Literal["idle", "training"]:
    """`training` or `idle`."""
    return "training" if training.under_way else "idle"


def heartbeat(
    studies: StudyStore,
    cards: ModelCards,
    pictures: PictureStore,
    tasks: TaskStore,
    training: Training,
    url: str | None,
) -> Heartbeat:
    """The heartbeat of this moment: numbers, hashes and names of tasks."""
    return Heartbeat(
        studies={held.study.id: _counts(held, cards, pictures) for held in studies.all()},
        activity=activity(training),
        tasks=tuple(tasks.in_states(*OPEN)),
        version=VERSION,
        url=url,
    )


def _counts(held: HeldStudy, cards: ModelCards, pictures: PictureStore) -> StudyCounts:
    tally = pictures.tally(held.study.id)
    return StudyCounts(
        counts=tally.counts,
        new_labelled=tally.new_labelled,
        weights=held.current.weights if held.current else None,
        frozen=held.current.frozen if held.current else None,
        card=cards.mark(held.current),
    )


def _study(held: HeldStudy, child: Services) -> ChildStudy:
    tally, current = child.pictures.tally(held.study.id), held.current
    return ChildStudy(
        study=held.study,
        model=(current or held.wanted).plan.model.name,
        weights=current.weights if current else None,
        frozen=current.frozen if current else None,
        run=current.run if current else None,
        round=current.round if current else 0,
        received_at=held.received_at,
        statistics=child.models.statistics(current) if current else None,
        counts={name: tally.counts.get(name, 0) for name in held.study.classes},
        unlabelled=tally.unlabelled,
        new_labelled=tally.new_labelled,
    )


def site_card(child: Services, study: str) -> SiteCard:
    """What is known here of a study's model.

    Raises:
        NotFound: There is no such study.
    """
    current = child.studies.get(study).current
    measured = child.predictor.measured(current) if current is not None else None
    return SiteCard(
        plan=current.plan if current else None,
        card=child.cards.of(current) if current else None,
        calibration=measured.calibration if measured else None,
        sureness=measured.sureness if measured else None,
        sureness_missing=measured.sureness_missing if measured else None,
    )


def _task(held: HeldTask, training: Training) -> ChildTask:
    return ChildTask(
        id=held.task.id,
        run=held.task.run,
        study=held.task.study.id,
        round=held.task.round,
        state=held.state,
        detail=held.detail,
        progress=training.progress(held.task.id),
        changed_at=held.changed_at,
    )
