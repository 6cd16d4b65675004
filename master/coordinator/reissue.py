"""What is handed out again, and to whom, when nodes fall silent or fail. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from federated.plan import Plan
from federated.states import TaskState
from master.coordinator.assignment import draw_order
from master.store.nodes import Site
from master.store.round_tasks import TaskSummary
from master.store.tasks import OPEN

MOST_ATTEMPTS = 3
"""Attempts at one piece of work, and tasks for each update that a round aims at."""

ANSWERED = (TaskState.ACCEPTED, TaskState.SUBMITTED)


@dataclass(frozen=True, slots=True)
class Again:
    """A piece of work to be handed out again.

    Attributes:
        task: The task whose place is taken.
        site: Who takes it: on its own pictures, unless the work is on public ones.
        attempt: Which attempt at the slot it is.
    """

    task: str
    site: Site
    attempt: int


def is_alive(task: TaskSummary) -> bool:
    """Whether a task has been answered, or its node is at work on it."""
    return task.coming or task.state in ANSWERED


def alive(tasks: Iterable[TaskSummary]) -> int:
    """Pieces of work that are answered, or may soon be: two sites may be at the same one."""
    return len({task.slot for task in tasks if is_alive(task)})


def replacements(
    tasks: Sequence[TaskSummary], sites: Iterable[Site], plan: Plan, number: int, target: int
) -> tuple[Again, ...]:
    """The work to be given to spare sites at once, so that a round can still reach its target.

    Args:
        tasks: All tasks of the round.
        sites: The sites that can take part.
        plan: The run's plan.
        number: The round's number.
        target: Accepted updates with which the round closes.
    """
    wanted = min(target - alive(tasks), MOST_ATTEMPTS * target - len(tasks))
    return _chosen(tasks, draw_order(sites, plan, number), plan, wanted)


def second_chances(
    tasks: Sequence[TaskSummary], sites: Iterable[Site], plan: Plan, number: int
) -> tuple[Again, ...]:
    """The work of an extended round: all that has no answer, also to whom it failed with.

    A site that has fallen silent keeps its task: it is handed over when it is heard of.
    """
    return _chosen(tasks, draw_order(sites, plan, number), plan, len(tasks), extended=True)


def _chosen(
    tasks: Sequence[TaskSummary],
    sites: Sequence[Site],
    plan: Plan,
    wanted: int,
    *,
    extended: bool = False,
) -> tuple[Again, ...]:
    """A site for each slot without an answer, as far as there are sites."""
    at_work = {task.node for task in tasks if task.state in OPEN}
    free = [site for site in sites if site.id not in at_work]
    pick = _own if plan.data.kind == "own" else _public
    found: list[Again] = []
    for attempts in _by_slot(tasks):
        if len(found) >= wanted or any(is_alive(task) for task in attempts):
            continue
        again = pick(attempts, free, {task.node for task in tasks}, extended)
        if again is not None:
            free.remove(again.site)
            found.append(again)
    return tuple(found)


def _own(
    attempts: Sequence[TaskSummary], free: Sequence[Site], asked: Collection[str], extended: bool
) -> Again | None:
    """A site that has not been asked yet, with its own pictures; or once more the same."""
    last = attempts[-1]
    same = next((site for site in free if site.id == last.node), None)
    if extended and same is not None and len(attempts) < MOST_ATTEMPTS:
        return Again(last.id, same, len(attempts) + 1)
    spare = next((site for site in free if site.id not in asked), None)
    return None if spare is None else Again(last.id, spare, 1)


def _public(
    attempts: Sequence[TaskSummary], free: Sequence[Site], asked: Collection[str], extended: bool
) -> Again | None:
    """A site that has not tried this work yet; or any, where the round was extended."""
    if len(attempts) >= MOST_ATTEMPTS:
        return None
    tried = {task.node for task in attempts}
    others = (site for site in free if site.id not in tried)
    site = next(others, free[0] if extended and free else None)
    return None if site is None else Again(attempts[-1].id, site, len(attempts) + 1)


def _by_slot(tasks: Sequence[TaskSummary]) -> list[list[TaskSummary]]:
    ordered = sorted(tasks, key=lambda task: (task.slot, task.attempt))
    return [list(attempts) for _, attempts in groupby(ordered, key=lambda task: task.slot)]
