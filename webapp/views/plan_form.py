"""The form of a new run: what a person changes of a plan, as the document of a plan."""

from __future__ import annotations

from typing import Any

import streamlit as st

from federated.plan import Plan, StrategyChoice
from federated.strategies import asynchronous, settings_of
from federated.views import PlanView
from webapp.plan_words import KINDS, kind_of
from webapp.texts import text, texts

Document = dict[str, Any]

PICTURES = ("own", "batches", "random")
RULES = ("fedbuff", "fedasync")
DISCOUNTS = ("polynomial", "hinge", "constant")


def plan_document(chosen: PlanView, batches: str, sites: int) -> Document:
    """Draws the form, filled with the chosen plan; returns what it says now.

    Args:
        chosen: The plan that the fields start from; fields of another plan have other keys.
        batches: Where public pictures lie, if that is known.
        sites: Sites that may take part.
    """
    plan, key = chosen.plan, chosen.name
    document: Document = plan.model_dump(mode="json")
    kind = _choice("kind", KINDS, kind_of(plan), key)
    st.caption(text(f"train.kind_{kind}_what"))
    document["trigger"] = {"kind": "upload" if kind == "upload" else "start"}
    with st.grid(min_column_width=180):
        document["rounds"] = _whole("rounds", plan.rounds, key, 1, 100_000, kind)
        document["training"] |= _training(plan, key)
        if kind == "upload":
            least = plan.trigger.min_new_pictures
            document["trigger"]["min_new_pictures"] = _whole(
                "min_new_pictures", least, key, 1, 1_000_000
            )
    # A run that waits for a site's new pictures trains on those.
    document["data"] = _data(plan, key, batches) if kind != "upload" else {"kind": "own"}
    if kind == "asynchronous":
        with st.expander(text("train.mixing"), expanded=True):
            document["strategy"] = _asynchronous(plan, key, sites)
    elif asynchronous(plan.strategy):
        document["strategy"] = StrategyChoice().model_dump(mode="json")
    with st.expander(_text("closing", kind), key=f"closing-{key}"):
        document |= _closing(plan, key, kind)
    document |= _beside(plan, key, kind, document["data"]["kind"])
    return document


def _beside(plan: Plan, key: str, kind: str, data: str) -> Document:
    """Whether the study's model follows the run, and whether sites measure each other's."""
    # A run that waits for pictures is there to move the study's model on.
    document = {"publish": True, "cross_site": False}
    if kind != "upload":
        document["publish"] = not st.checkbox(
            text("train.beside"),
            value=not plan.publish,
            help=text("train.beside_help"),
            key=f"beside-{key}",
        )
    if data == "own":
        document["cross_site"] = st.checkbox(
            text("train.cross_site"),
            value=plan.cross_site,
            help=text("train.cross_site_help"),
            key=f"cross_site-{key}",
        )
    return document


def _training(plan: Plan, key: str) -> Document:
    training = plan.training
    return {
        "epochs": _whole("epochs", training.epochs, key, 0, 1000),
        "batch_size": _whole("batch_size", training.batch_size, key, 1, 4096),
        "learning_rate": _decimal(
            "learning_rate", training.learning_rate, key, 1e-6, 10.0, 1e-4, "%.5g"
        ),
    }


def _data(plan: Plan, key: str, batches: str) -> Document:
    data = plan.data
    kind = _choice("data", PICTURES, data.kind, key)
    if kind == "own":
        return {"kind": "own"}
    st.caption(text(f"train.data_{kind}_what"))
    url = st.text_input(
        text("train.url"),
        value=batches if data.kind == "own" else data.url,
        help=text("train.url_help"),
        placeholder=text("train.url_example"),
        key=f"url-{key}",
    )
    document: Document = {"kind": kind, "url": url.strip()}
    if kind == "random":
        images = data.images if data.kind == "random" else 100
        document["images"] = _whole("images", images, key, 1, 1_000_000)
    return document


def _asynchronous(plan: Plan, key: str, sites: int) -> Document:
    """The asynchronous rule with its settings."""
    known = plan.strategy if asynchronous(plan.strategy) else None
    name = _choice("rule", RULES, known.name if known else RULES[0], key)
    st.caption(text(f"train.rule_{name}_what"))
    choice = known if known and known.name == name else StrategyChoice(name=name)
    settings: Document = settings_of(choice).model_dump(mode="json")
    with st.grid(min_column_width=180):
        if name == "fedbuff":
            if choice is not known:
                settings["buffer"] = min(settings["buffer"], few(sites))
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


def few(sites: int) -> int:
    """A buffer for so many sites: half of them, so that the others need not be waited for."""
    return min(max(2, sites // 2), max(1, sites))


def _closing(plan: Plan, key: str, kind: str) -> Document:
    """Quorum, deadline and sampling."""
    counted = isinstance(plan.quorum, int)
    quorum = _choice("quorum", ("number", "share"), "number" if counted else "share", key, kind)
    with st.grid(min_column_width=180):
        needed = _needed(plan, key, quorum)
        minutes = _decimal(
            "deadline", plan.deadline_seconds / 60, key, 0.05, 30 * 24 * 60.0, 1.0, "%.4g", kind
        )
        fraction = _share("fraction", plan.sampling.fraction, key, kind)
        minimum = _whole("minimum", plan.sampling.minimum, key, 1, 100_000)
    document: Document = {"quorum": needed, "close": "all", "deadline_factor": None}
    document["deadline_seconds"] = minutes * 60
    document["sampling"] = {"fraction": fraction, "minimum": minimum}
    if kind != "asynchronous":
        document["close"] = "quorum" if _closes_early(plan, key) else "all"
        document["deadline_factor"] = _factor(plan, key)
    return document


def _needed(plan: Plan, key: str, kind: str) -> float:
    """The quorum: a number of updates, or a share of the sites."""
    counted = isinstance(plan.quorum, int)
    if kind == "number":
        return _whole("needed_number", int(plan.quorum) if counted else 1, key, 1, 100_000)
    return _share("needed_share", 0.75 if counted else plan.quorum, key)


def _closes_early(plan: Plan, key: str) -> bool:
    return st.checkbox(
        text("train.close_early"),
        value=plan.close == "quorum",
        help=text("train.close_early_help"),
        key=f"close-{key}",
    )


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


def _text(name: str, kind: str) -> str:
    """The text of a field; some have one of their own in a kind of run."""
    own = f"train.{name}_{kind}"
    return text(own) if own in texts() else text(f"train.{name}")


def _choice(name: str, options: tuple[str, ...], value: str, key: str, kind: str = "") -> str:
    return str(
        st.segmented_control(
            _text(name, kind),
            options,
            default=value,
            format_func=lambda option: text(f"train.{name}_{option}"),
            required=True,
            key=f"{name}-{key}",
        )
    )


def _share(name: str, share: float, key: str, kind: str = "") -> float:
    """A share, asked for in whole per cent; one that is left alone stays as exact as it was."""
    before = round(share * 100)
    after = _whole(name, before, key, 1, 100, kind)
    return share if after == before else after / 100


def _whole(name: str, value: int, key: str, low: int, high: int, kind: str = "") -> int:
    return int(
        st.number_input(
            _text(name, kind),
            min_value=low,
            max_value=high,
            value=min(max(value, low), high),
            help=_text(f"{name}_help", kind),
            key=f"{name}-{key}",
        )
    )


def _decimal(
    name: str,
    value: float,
    key: str,
    low: float,
    high: float,
    step: float,
    written: str,
    kind: str = "",
) -> float:
    return float(
        st.number_input(
            _text(name, kind),
            min_value=low,
            max_value=high,
            value=min(max(float(value), low), high),
            step=step,
            format=written,
            help=_text(f"{name}_help", kind),
            key=f"{name}-{key}",
        )
    )
