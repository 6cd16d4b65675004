"""A plan in words: which kind of run it makes, and on which pictures."""

from __future__ import annotations

from federated.plan import Plan
from federated.strategies import asynchronous, needed_updates
from webapp.texts import text
from webapp.words import (
    commas,
    sentences,
    span,
    told,
)

KINDS = ("rounds", "upload", "asynchronous")


def kind_of(plan: Plan) -> str:
    """Which of `KINDS` a run under the plan is."""
    if asynchronous(plan.strategy):
        return "asynchronous"
    return "upload" if plan.trigger.kind == "upload" else "rounds"


def plan_line(plan: Plan) -> str:
    """The kind of run and the pictures that it trains on, in a line of Markdown."""
    kind = text(f"train.kind_{kind_of(plan)}")
    if asynchronous(plan.strategy):
        kind += f" ({text(f'rule.{plan.strategy.name}')})"
    beside = "" if plan.publish else f" · {text('plan.beside')}"
    return f"{kind} · {_pictures(plan)}{beside}"


def model_line(plan: Plan) -> str:
    """Which model a run under the plan trains, which part of it, and how, as Markdown."""
    model, training = plan.model, plan.training
    said = [told(f"plan.model_{model.trained}", name=model.name)]
    if model.weights:
        said.append(told("plan.begins", weights=model.weights))
    said.append(
        text(
            "plan.recipe",
            optimizer=text(f"option.training_optimizer_{training.optimizer}"),
            loss=text(f"option.training_loss_{training.loss}"),
            rule=text(f"rule.{plan.strategy.name}"),
        )
    )
    if plan.search is not None:
        searched = [text(f"search.{name}").lower() for name in plan.search.space.names]
        said.append(text("plan.searches", settings=commas(searched)))
    return sentences(*said)


def round_line(plan: Plan, sites: int) -> str:
    """What a round of the plan is with so many sites: whom it asks, and when it closes."""
    drawn = plan.sampling.size(sites)
    mode = asynchronous(plan.strategy)
    if mode is not None:
        version = text("plan.version", count=mode.buffer)
        return sentences(_drawn("at_once", drawn, sites), version)
    faster = text("plan.measured") if plan.deadline_factor else ""
    said = (_drawn("asked", drawn, sites), _closes(plan, drawn), faster)
    return sentences(*said)


def _drawn(key: str, drawn: int, sites: int) -> str:
    if drawn < sites:
        return text(f"plan.{key}_some", drawn=drawn, sites=sites)
    return text(f"plan.{key}", count=sites)


def _closes(plan: Plan, drawn: int) -> str:
    needed, longest = needed_updates(plan, drawn), span(plan.deadline_seconds)
    if needed >= drawn > 1:
        return text("plan.close_full", longest=longest)
    key = "close_quorum" if plan.close == "quorum" else "close_all"
    return text(f"plan.{key}", count=needed, longest=longest)


def _pictures(plan: Plan) -> str:
    data = plan.data
    if data.kind == "own":
        return text("plan.own")
    if data.kind == "batches":
        return told("plan.batches", url=data.url)
    return told("plan.random", url=data.url, images=data.images)
