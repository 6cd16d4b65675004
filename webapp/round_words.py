"""A round and its tasks in words: what has come, who is waited for, until when."""

from __future__ import annotations

from collections.abc import Iterable

from federated.plan import Plan
from federated.states import RoundState, RunState, TaskState
from federated.strategies import asynchronous
from federated.views import RoundView, RunView, TaskView
from webapp.retold import retold
from webapp.texts import text
from webapp.words import (
    clock,
    commas,
    day,
    figure,
    opened,
    percent,
    plain,
    sentences,
    short,
    span,
)

UNDER_WAY = (TaskState.QUEUED, TaskState.LEASED, TaskState.TRAINING)
IN_VAIN = (
    TaskState.REJECTED,
    TaskState.LATE,
    TaskState.EXPIRED,
    TaskState.FAILED,
    TaskState.CANCELLED,
)
LONGEST_LIST = 5
"""Names that a sentence lists before it only counts them."""


def run_name(run: RunView) -> str:
    """A run as people choose it: when it began, of which study, with which model."""
    return text(
        "results.run_name",
        at=day(run.created_at),
        study=run.study,
        model=run.plan.model.name,
        id=short(run.id),
    )


def course(run: RunView, round_: RoundView, now: float) -> str:
    """How a round stands, in Markdown: what it has, whom it waits for, and until when."""
    if round_.state == RoundState.AGGREGATING:
        return text("progress.averaging")
    if round_.state != RoundState.OPEN:
        return _between(run, round_)
    collected = _collected(round_, run.plan)
    if run.state == RunState.PAUSED and asynchronous(run.plan.strategy):
        return f"{collected} {text('progress.taken_in')}"
    pausing = text("progress.pausing") if run.state == RunState.PAUSED else ""
    said = (collected, _waited_for(round_, run.plan), _deadline(round_, now), pausing)
    return sentences(*said)


def accepted(round_: RoundView) -> int:
    """Updates that a round has taken so far."""
    return sum(update.status == TaskState.ACCEPTED for update in round_.updates)


def left_out(round_: RoundView) -> str:
    """The sites that a round does without, each with its reason, in Markdown."""
    # Without waiting, a site that was away when the round opened may work for it all the same.
    at_work = {task.node for task in round_.tasks}
    missing = [node for node in round_.excluded if node.node not in at_work]
    told = [
        text("progress.left_out_why", site=node.node_name, why=retold(node.reason))
        for node in missing
    ]
    return text("progress.left_out", sites=plain(listed(told))) if told else ""


def listed(names: Iterable[str]) -> str:
    """Names as a list in a sentence; of many, only the first."""
    shown = list(names)
    if len(shown) > LONGEST_LIST:
        shown[LONGEST_LIST:] = [text("words.more", count=len(shown) - LONGEST_LIST)]
    *first, last = shown
    return text("words.and", first=commas(first), last=last) if first else last


def behind(task: TaskView, round_: RoundView, plan: Plan) -> int:
    """Versions that the global model has moved on by since a task began; 0 where sites wait."""
    if not asynchronous(plan.strategy):
        return 0
    if task.staleness is not None:
        return task.staleness
    done = round_.number - (round_.state != RoundState.CLOSED)
    return max(done - task.base_round, 0)


def task_facts(task: TaskView, versions_behind: int = 0) -> str:
    """What is out of the ordinary with a task: attempt, batch, the age of what it began from."""
    facts = []
    if versions_behind:
        facts.append(text("progress.behind", count=versions_behind))
    if task.batch:
        facts.append(text("progress.batch", batch=short(task.batch)))
    if task.attempt > 1:
        facts.append(text("progress.attempt", attempt=task.attempt))
    return " · ".join(facts)


def task_line(task: TaskView, others: Iterable[TaskView]) -> str:
    """What a task does, or what became of it, as a sentence of Markdown.

    Args:
        task: The task.
        others: All tasks of the round.
    """
    if task.lost:
        return sentences(opened(retold(task.reason or "")), _instead(task, others))
    if task.reason:
        return opened(retold(task.reason))
    progress = task.progress
    if task.state not in UNDER_WAY:
        return text(f"progress.{task.state}")
    if progress is not None and progress.note:
        return opened(retold(progress.note))
    if task.state != TaskState.TRAINING or progress is None or not progress.epoch:
        return text(f"progress.{task.state}")
    return text(
        "progress.epoch",
        epoch=progress.epoch,
        epochs=progress.epochs,
        loss=figure(progress.loss),
        accuracy=percent(progress.accuracy),
    )


def _instead(task: TaskView, others: Iterable[TaskView]) -> str:
    """Who does the work of a site that has fallen silent."""
    sites = [
        other.node_name
        for other in others
        if task.batch and other.batch == task.batch and not other.lost
        if other.state not in IN_VAIN
    ]
    if not sites:
        return text("progress.awaited")
    return text("progress.replaced", site=plain(sites[-1]))


def _between(run: RunView, round_: RoundView) -> str:
    """What happens after a round that is over."""
    if run.state != RunState.PAUSED:
        return "" if run.reason or round_.number >= run.plan.rounds else text("progress.next")
    working = any(task.state in UNDER_WAY for task in run.tasks)
    return text("progress.kept" if working else "progress.halted")


def _collected(round_: RoundView, plan: Plan) -> str:
    count = accepted(round_)
    if asynchronous(plan.strategy):
        return text("progress.buffered", accepted=count, count=round_.target)
    if count < round_.quorum:
        return text("progress.short", accepted=count, count=round_.quorum)
    return text("progress.enough", accepted=count, quorum=round_.quorum)


def _waited_for(round_: RoundView, plan: Plan) -> str:
    """The sites without which the round does not go on."""
    if asynchronous(plan.strategy):
        return ""
    coming = [t.node_name for t in round_.tasks if t.state in UNDER_WAY and not t.lost]
    if coming:
        return text("progress.waits_for", sites=plain(listed(dict.fromkeys(coming))))
    lost = [task.node_name for task in round_.tasks if task.lost]
    if lost and accepted(round_) < round_.quorum:
        return text("progress.waits_for_lost", sites=plain(listed(dict.fromkeys(lost))))
    return ""


def _deadline(round_: RoundView, now: float) -> str:
    at, left = clock(round_.deadline_at), span(max(round_.deadline_at - now, 0))
    if accepted(round_) >= round_.quorum:
        return text("progress.closes", at=at, left=left)
    key = "fails" if round_.extended else "extends"
    return text(f"progress.{key}", at=at, left=left, count=round_.quorum)
