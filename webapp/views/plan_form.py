"""The form of a new run: what a person changes of a plan, as the document of a plan."""

from __future__ import annotations

from typing import Any

import streamlit as st

from federated.plan import Plan, StrategyChoice
from federated.strategies import asynchronous, settings_of
from federated.views import PlanView
from webapp.texts import text

Document = dict[str, Any]

KINDS = ("rounds", "upload", "asynchronous")
PICTURES = ("own", "batches", "random")
RULES = ("fedbuff", "fedasync")
DISCOUNTS = ("polynomial", "hinge", "constant")


def plan_document(chosen: PlanView) -> Document:
    """Draws the form, filled with the chosen plan; returns what it says now.

    Args:
        chosen: The plan that the fields start from; fields of another plan have other keys.
    """
    plan, key = chosen.plan, chosen.name
    document: Document = plan.model_dump(mode="json")
    kind = _choice("kind", KINDS, kind_of(plan), key)
    st.caption(text(f"train.kind_{kind}_what"))
    document["trigger"] = {"kind": "upload" if kind == "upload" else "start"}
    with st.grid(min_column_width=180):
        document["rounds"] = _whole("rounds", plan.rounds, key, 1, 100_000)
        document["training"] |= _training(plan, key)
        if kind == "upload":
            least = plan.trigger.min_new_pictures
            document["trigger"]["min_new_pictures"] = _whole(
                "min_new_pictures", least, key, 1, 1_000_000
            )
    # A run that waits for a site's new pictures trains on those.
    document["data"] = _data(plan, key) if kind != "upload" else {"kind": "own"}
    if kind == "asynchronous":
        with st.expander(text("train.mixing"), expanded=True):
            document["strategy"] = _asynchronous(plan, key)
    elif asynchronous(plan.strategy):
        document["strategy"] = StrategyChoice().model_dump(mode="json")
    with st.expander(text("train.closing")):
        document |= _closing(plan, key, kind == "asynchronous")
    return document


def kind_of(plan: Plan) -> str:
    """Which of `KINDS` a plan is."""
    if asynchronous(plan.strategy):
        return "asynchronous"
    return "upload" if plan.trigger.kind == "upload" else "rounds"


def _training(plan: Plan, key: str) -> Document:
    training = plan.training
    return {
        "epochs": _whole("epochs", training.epochs, key, 0, 1000),
        "batch_size": _whole("batch_size", training.batch_size, key, 1, 4096),
        "learning_rate": _decimal(
            "learning_rate", training.learning_rate, key, 1e-6, 10.0, 1e-4, "%.5g"
        ),
    }


def _data(plan: Plan, key: str) -> Document:
    data = plan.data
    kind = _choice("data", PICTURES, data.kind, key)
    if kind == "own":
        return {"kind": "own"}
    st.caption(text(f"train.data_{kind}_what"))
    url = st.text_input(
        text("train.url"),
        value="" if data.kind == "own" else data.url,
        help=text("train.url_help"),
        placeholder=text("train.url_example"),
        key=f"url-{key}",
    )
    document: Document = {"kind": kind, "url": url.strip()}
    if kind == "random":
        images = data.images if data.kind == "random" else 100
        document["images"] = _whole("images", images, key, 1, 1_000_000)
    return document


def _asynchronous(plan: Plan, key: str) -> Document:
    """The asynchronous rule with its settings."""
    known = plan.strategy if asynchronous(plan.strategy) else None
    name = _choice("rule", RULES, known.name if known else RULES[0], key)
    st.caption(text(f"train.rule_{name}_what"))
    choice = known if known and known.name == name else StrategyChoice(name=name)
    settings: Document = settings_of(choice).model_dump(mode="json")
    with st.grid(min_column_width=180):
        if name == "fedbuff":
            settings["buffer"] = _whole("buffer", settings["buffer"], key, 1, 100_000)
            settings["server_lr"] = _decimal(
                "server_lr", settings["server_lr"], key, 0.01, 10.0, 0.1, "%.2f"
            )
        else:
            settings["alpha"] = _decimal("alpha", settings["alpha"], key, 0.01, 1.0, 0.05, "%.2f")
        settings["max_staleness"] = _whole("max_staleness", settings["max_staleness"], key, 0, 1000)
    settings["staleness"] = _choice("staleness", DISCOUNTS, settings["staleness"], key)
    batch_norm = plan.strategy.batch_norm
    return {"name": name, "settings": settings, "batch_norm": batch_norm}


def _closing(plan: Plan, key: str, is_asynchronous: bool) -> Document:
    """Quorum, deadline and sampling."""
    document: Document = {"quorum": _quorum(plan, key), "close": "all"}
    if not is_asynchronous:
        early = st.checkbox(
            text("train.close_early"),
            value=plan.close == "quorum",
            help=text("train.close_early_help"),
            key=f"close-{key}",
        )
        document["close"] = "quorum" if early else "all"
    with st.grid(min_column_width=180):
        minutes = _decimal(
            "deadline", plan.deadline_seconds / 60, key, 0.05, 30 * 24 * 60.0, 1.0, "%.4g"
        )
        fraction = _whole("fraction", round(plan.sampling.fraction * 100), key, 1, 100)
        minimum = _whole("minimum", plan.sampling.minimum, key, 1, 100_000)
    document["deadline_seconds"] = minutes * 60
    document["sampling"] = {"fraction": fraction / 100, "minimum": minimum}
    document["deadline_factor"] = None if is_asynchronous else _factor(plan, key)
    return document


def _quorum(plan: Plan, key: str) -> float:
    counted = isinstance(plan.quorum, int)
    kind = _choice("quorum", ("number", "share"), "number" if counted else "share", key)
    if kind == "number":
        return _whole("quorum_number", int(plan.quorum) if counted else 1, key, 1, 100_000)
    share = 75 if counted else round(plan.quorum * 100)
    return _whole("quorum_share", share, key, 1, 100) / 100


def _factor(plan: Plan, key: str) -> float | None:
    """How many times the measured time a round waits; None for the deadline alone."""
    measured = st.checkbox(
        text("train.measured"),
        value=plan.deadline_factor is not None,
        help=text("train.measured_help"),
        key=f"measured-{key}",
    )
    if not measured:
        return None
    return _decimal("factor", plan.deadline_factor or 3.0, key, 1.0, 1000.0, 0.5, "%.1f")


def _choice(name: str, options: tuple[str, ...], value: str, key: str) -> str:
    return str(
        st.segmented_control(
            text(f"train.{name}"),
            options,
            default=value,
            format_func=lambda option: text(f"train.{name}_{option}"),
            required=True,
            key=f"{name}-{key}",
        )
    )


def _whole(name: str, value: int, key: str, low: int, high: int) -> int:
    return int(
        st.number_input(
            text(f"train.{name}"),
            min_value=low,
            max_value=high,
            value=min(max(value, low), high),
            help=text(f"train.{name}_help"),
            key=f"{name}-{key}",
        )
    )


def _decimal(
    name: str, value: float, key: str, low: float, high: float, step: float, written: str
) -> float:
    return float(
        st.number_input(
            text(f"train.{name}"),
            min_value=low,
            max_value=high,
            value=min(max(float(value), low), high),
            step=step,
            format=written,
            help=text(f"train.{name}_help"),
            key=f"{name}-{key}",
        )
    )
