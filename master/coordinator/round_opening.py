"""The opening of a round: who takes part, on what, under which terms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from federated.plan import Plan
from federated.split import training_count
from federated.strategies import Asynchronous, asynchronous, needed_updates
from federated.views import ExcludedNode
from imaging.batch_index import BatchIndex
from master.coordinator.assignment import NO_BATCH, UNDRAWN, Slot, draw, slots_of
from master.coordinator.asynchronous import attempts_of, idle_sites, slots_in_use
from master.coordinator.deadline import waiting_seconds
from master.coordinator.site_selection import choose
from master.services import Services
from master.settings import Settings
from master.store import nodes, round_tasks, run_batches
from master.store.nodes import Site
from master.store.round_tasks import Patience, Piece, TaskSummary
from master.store.rounds import Opening
from master.store.tables import RunRow


@dataclass(frozen=True, slots=True)
class Field:
    """The sites of a study as a run sees them.

    Attributes:
        sites: Those that can take part.
        excluded: The others, with the reason of each.
    """

    sites: tuple[Site, ...]
    excluded: tuple[ExcludedNode, ...]


def field_of(services: Services, session: Session, run: RunRow, plan: Plan, now: float) -> Field:
    """The sites that can take part in a run now, and those that cannot."""
    reachable = services.settings.reachable_seconds
    sites, excluded = choose(nodes.sites(session, run.study_id, now, reachable), plan)
    return Field(tuple(sites), tuple(excluded))


def opening(session: Session, run: RunRow, plan: Plan, field: Field) -> Opening:
    """What the next round of a run is, if it is opened now."""
    mode = asynchronous(plan.strategy)
    if mode is not None:
        return _all_the_time(session, run, plan, mode, field)
    number = run.round + 1
    drawn, undrawn = draw(field.sites, plan, number)
    index, dealt = _batches(session, run, plan)
    slots = slots_of(plan, index, number, drawn, dealt=dealt)
    given = {slot.site.id for slot in slots}
    without = [site for site in drawn if site.id not in given]
    excluded = [*field.excluded, *_left_out(undrawn, UNDRAWN), *_left_out(without, NO_BATCH)]
    quorum = needed_updates(plan, len(slots))
    return Opening(
        pieces=tuple(Piece(slot) for slot in slots),
        excluded=tuple(sorted(excluded, key=lambda node: node.node_name)),
        able=len(slots),
        quorum=quorum,
        target=len(slots) if plan.close == "all" else min(quorum, len(slots)),
        seconds=waiting_seconds(plan, [_work(slot, plan) for slot in slots]),
    )


def patience(settings: Settings) -> Patience:
    """How long nodes have to take their tasks."""
    return Patience(calling=settings.handover_seconds, asking=settings.lease_seconds)


def pieces_for(
    session: Session,
    run: RunRow,
    plan: Plan,
    number: int,
    sites: Sequence[Site],
    tasks: Sequence[TaskSummary],
) -> tuple[Piece, ...]:
    """Work of an asynchronous round for sites that are idle."""
    if not sites:
        return ()
    taken = slots_in_use(tasks, number) if plan.data.kind != "own" else ()
    index, dealt = _batches(session, run, plan)
    slots = slots_of(plan, index, number, sites, dealt=dealt, taken=taken)
    return tuple(Piece(slot, attempts_of(slot.site, tasks, number) + 1) for slot in slots)


def _all_the_time(
    session: Session, run: RunRow, plan: Plan, mode: Asynchronous, field: Field
) -> Opening:
    number = run.round + 1
    tasks = round_tasks.of_round(session, run.id, number, carried=True)
    sites = idle_sites(tasks, field.sites, plan, number)
    working = plan.sampling.size(len(field.sites))
    return Opening(
        pieces=pieces_for(session, run, plan, number, sites, tasks),
        excluded=field.excluded,
        able=len(field.sites),
        quorum=min(mode.buffer, plan.needed(working)),
        target=mode.buffer,
        seconds=plan.deadline_seconds,
    )


def _batches(session: Session, run: RunRow, plan: Plan) -> tuple[BatchIndex | None, int]:
    """The batches that a run assigns, and how many it has dealt; none where it assigns none."""
    kept = run_batches.of_run(session, run.id) if plan.data.kind == "batches" else None
    if kept is None:
        return None, 0
    return kept.index, round_tasks.dealt_batches(session, run.id)


def _left_out(sites: Iterable[Site], reason: str) -> list[ExcludedNode]:
    return [ExcludedNode(node=site.id, node_name=site.name, reason=reason) for site in sites]


def _work(slot: Slot, plan: Plan) -> tuple[int, float | None]:
    """Pictures that a slot trains on, and the speed of its site."""
    if plan.data.kind != "own":
        return slot.pictures, slot.site.examples_per_second
    fraction = plan.training.validation_fraction
    return training_count(slot.site.counts, fraction), slot.site.examples_per_second
