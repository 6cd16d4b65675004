"""The course of a run, made of its rounds as the master makes it, and what a master tells of it."""

from __future__ import annotations

from collections.abc import Sequence

from federated.states import RoundState
from federated.views import (
    LEFT_OUT,
    CourseRound,
    CourseSite,
    CourseView,
    PairedRun,
    PairedView,
    RoundView,
    UpdateView,
    WeightChanges,
)
from tests.webapp.sample.facts import RUN
from tests.webapp.scripted import Script, ok


def course(rounds: Sequence[RoundView], run: str = RUN) -> CourseView:
    names = {one.node: one.node_name for r in rounds for one in (*r.updates, *r.tasks, *r.excluded)}
    return CourseView(
        run=run,
        total=len(rounds),
        rounds=[_round(one) for one in rounds],
        sites=[_site(node, names[node], rounds) for node in sorted(names, key=names.__getitem__)],
    )


def rounds_told(rounds: Sequence[RoundView], run: str = RUN) -> Script:
    """Everything that a master answers about the rounds of a run."""
    script: Script = {f"GET runs/{run}/course": ok(course(rounds, run))}
    return script | {f"GET runs/{run}/rounds/{one.number}": ok(one) for one in rounds}


def changes(rounds: int = 2) -> WeightChanges:
    """A kernel that settles, a bias that began at zero, and a statistic that jumps."""
    numbers = list(range(1, rounds + 1))
    return WeightChanges(
        run=RUN,
        rounds=numbers,
        total=rounds,
        tensors={
            "conv1/kernel": [0.4 / number for number in numbers],
            "bn1/gamma": [0.01 / number for number in numbers],
            "bn1/moving_mean": [7.0 for _ in numbers],
            "dense/bias": [None, *(0.2 / number for number in numbers[1:])],
        },
    )


def paired(p_value: float, *runs: str) -> PairedView:
    others = [
        PairedRun(
            run=run,
            accuracy=0.7,
            difference=-0.05,
            low=-0.11,
            high=0.01,
            only_run=3,
            only_reference=6,
            p_value=p_value,
        )
        for run in runs[1:]
    ]
    return PairedView(study="skin", reference=runs[0], num_examples=60, accuracy=0.75, runs=others)


def _round(one: RoundView) -> CourseRound:
    names = ("loss", "accuracy", "balanced_accuracy", "auc", "f1", "sensitivity_at_90")
    figures = one.evaluation or {}
    return CourseRound(
        number=one.number,
        state=RoundState(one.state),
        opened_at=one.opened_at,
        closed_at=one.closed_at,
        weights_after=one.weights_after,
        evaluation={name: figures[name] for name in names if name in figures},
    )


def _site(node: str, name: str, rounds: Sequence[RoundView]) -> CourseSite:
    sent: list[UpdateView | None] = [
        next((u for u in one.updates if u.node == node), None) for one in rounds
    ]
    figures = dict.fromkeys(key for u in sent if u for key in u.metrics)
    return CourseSite(
        node=node,
        node_name=name,
        states=[_state(node, one, u) for one, u in zip(rounds, sent, strict=True)],
        staleness=[u.staleness if u else None for u in sent],
        base_rounds=[u.base_round if u else None for u in sent],
        shares=[u.share if u else None for u in sent],
        metrics={key: [u.metrics.get(key) if u else None for u in sent] for key in figures},
    )


def _state(node: str, one: RoundView, sent: UpdateView | None) -> str | None:
    if sent:
        return sent.status
    of_task = next((str(task.state) for task in one.tasks if task.node == node), None)
    return of_task or (LEFT_OUT if node in {left.node for left in one.excluded} else None)
