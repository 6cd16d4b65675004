"""The next sensible thing to do, from the state of things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from federated.states import NodeState, RoundState, RunState, is_final
from federated.strategies import asynchronous
from federated.views import NodeView, RoundView, RunView, StudyView
from webapp.retold import retold
from webapp.texts import text
from webapp.words import span


@dataclass(frozen=True, slots=True)
class Step:
    """A next step in words, and the page that does it, where one does."""

    sentence: str
    page: str | None = None


def next_step(study: StudyView | None, nodes: Sequence[NodeView], runs: Sequence[RunView]) -> Step:
    """What to do next.

    Args:
        study: The study that is looked at; None where there is none at all.
        nodes: Every site.
        runs: The runs of the study, newest first.
    """
    if study is None:
        return Step(text("step.no_study"))
    if study.current is None:
        return Step(retold(study.problem) if study.problem else text("step.building"))
    waiting = [node for node in nodes if node.state == NodeState.PENDING]
    if waiting:
        return Step(text("step.approve", name=waiting[0].name), "sites")
    if not nodes:
        return Step(text("step.no_sites"), "sites")
    return _of_runs(study, nodes, runs)


def _of_runs(study: StudyView, nodes: Sequence[NodeView], runs: Sequence[RunView]) -> Step:
    live = live_run(runs)
    if live and live.state == RunState.IDLE:
        count = live.plan.trigger.min_new_pictures
        return Step(text("step.waiting_for_pictures", count=count), "pictures")
    if live and live.state == RunState.PAUSED:
        return Step(text("step.paused"), "train")
    if live:
        return Step(text("step.running", round=live.round, rounds=live.plan.rounds), "train")
    if runs and runs[0].state == RunState.FAILED:
        return Step(text("step.failed"), "results")
    if runs:
        return Step(text("step.look"), "results")
    if not any(labelled(node, study) for node in nodes):
        return Step(text("step.add_pictures"), "pictures")
    return Step(text("step.train"), "train")


def waits(run: RunView, round_: RoundView, now: float) -> str | None:
    """Whom a round under way waits for, and how long; None where it waits for nobody."""
    facts: dict[str, object] = {"round": run.round, "rounds": run.plan.rounds}
    if round_.state == RoundState.AGGREGATING:
        return text("step.averaging", **facts)
    if round_.state != RoundState.OPEN or asynchronous(run.plan.strategy):
        return None
    waiting = {task.node for task in round_.tasks if not is_final(task.state) and not task.lost}
    waiting -= {update.node for update in round_.updates}
    if not waiting:
        return None
    everyone = len({task.node for task in round_.tasks})
    left = span(max(round_.deadline_at - now, 0))
    return text("step.waits", count=len(waiting), all=everyone, left=left, **facts)


def live_runs(runs: Sequence[RunView]) -> list[RunView]:
    """The runs that are not over: first those that began, then those that wait; oldest first."""
    live = [run for run in runs if not is_final(run.state)]
    return sorted(live, key=lambda run: (run.state == RunState.PENDING, run.created_at, run.id))


def live_run(runs: Sequence[RunView]) -> RunView | None:
    """The first of the runs that are not over; None where all are."""
    return next(iter(live_runs(runs)), None)


def labelled(node: NodeView, study: StudyView) -> int:
    """Labelled pictures of a study at a site, as last reported."""
    return sum(node.studies.get(study.study.id, {}).values())
