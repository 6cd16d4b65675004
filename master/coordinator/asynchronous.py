"""Asynchronous runs: who works next, and what has become too old to count. Pure.

A round is open all the time. Every idle site gets a task on the newest version, at most one a
version; updates are counted as they come, however old what they began from is, up to a bound.
"""

from __future__ import annotations

from collections.abc import Sequence

from federated.plan import Plan
from federated.states import TaskState
from federated.strategies import Asynchronous
from master.coordinator.assignment import draw_order
from master.coordinator.reissue import MOST_ATTEMPTS
from master.store.nodes import Site
from master.store.round_tasks import TaskSummary
from master.store.tasks import OPEN

IN_VAIN = (TaskState.FAILED, TaskState.REJECTED, TaskState.EXPIRED)


def idle_sites(
    tasks: Sequence[TaskSummary],
    sites: Sequence[Site],
    plan: Plan,
    number: int,
    *,
    again: bool = False,
) -> tuple[Site, ...]:
    """The sites that get a task on the newest version now.

    Args:
        tasks: Those of the open round, and those of earlier ones that may still count.
        sites: The sites that can take part.
        plan: The run's plan; its sampling says how many work at the same time.
        number: The open round's number.
        again: Whether those get another task whose task on this version came to nothing.
    """
    # A verdict is about to make a new version: the next task had better begin from that.
    at_work = {task.node for task in tasks if task.coming or task.state == TaskState.SUBMITTED}
    asked = [task for task in tasks if task.round == number and task.state != TaskState.CANCELLED]
    served = {task.node for task in asked}
    if again:
        served -= {node for node in served if _may_try_again(node, asked)}
    busy = served | {task.node for task in tasks if task.state in OPEN}
    places = max(0, plan.sampling.size(len(sites)) - len(at_work))
    free = [site for site in draw_order(sites, plan, number) if site.id not in busy]
    return tuple(free[:places])


def attempts_of(site: Site, tasks: Sequence[TaskSummary], number: int) -> int:
    """Tasks that a site has got on the newest version."""
    return sum(task.node == site.id and task.round == number for task in tasks)


def slots_in_use(tasks: Sequence[TaskSummary], number: int) -> frozenset[str]:
    """Public work that is not to be given out a second time in a round, or is under way.

    What came to nothing, or was taken back, is free again.
    """
    given_up = (*IN_VAIN, TaskState.CANCELLED)
    return frozenset(
        task.slot
        for task in tasks
        if task.coming or (task.round == number and task.state not in given_up)
    )


def outdated(
    tasks: Sequence[TaskSummary], number: int, mode: Asynchronous
) -> dict[str, list[TaskSummary]]:
    """Tasks that a round can count no longer, by the reason why."""
    found: dict[str, list[TaskSummary]] = {}
    for task in tasks:
        staleness = number - 1 - task.base_round
        if staleness > mode.max_staleness:
            versions = "1 version" if staleness == 1 else f"{staleness} versions"
            reason = f"{versions} behind, at most {mode.max_staleness} count"
            found.setdefault(reason, []).append(task)
    return found


def _may_try_again(node: str, asked: Sequence[TaskSummary]) -> bool:
    states = [task.state for task in asked if task.node == node]
    return len(states) < MOST_ATTEMPTS and all(state in IN_VAIN for state in states)
