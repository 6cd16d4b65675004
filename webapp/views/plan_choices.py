"""The fields of a plan that are one of several things, or hang on another choice."""

from __future__ import annotations

from typing import Any

import streamlit as st

from federated.plan import SOMEWHERE, Plan, StrategyChoice
from federated.strategies import RULES, asynchronous, settings_of
from federated.views import ModelSetting, ModelsView
from webapp.plan_document import Document
from webapp.plan_fields import Field, Kind, fields_of
from webapp.plan_words import KINDS
from webapp.retold import retold
from webapp.texts import text, texts
from webapp.views.plan_inputs import Form

PICTURES = ("own", "batches", "random")


def ask_kind(value: str, key: str) -> str:
    """Which kind of run: rounds, when pictures arrive, or without waiting."""
    kind = _segments("kind", KINDS, value, key)
    st.caption(text(f"train.kind_{kind}_what"))
    return kind


def rules_of(kind: str) -> list[str]:
    """The rules of averaging that a kind of run can have."""
    waits = kind != "asynchronous"
    return [name for name in RULES if (asynchronous(StrategyChoice(name=name)) is None) == waits]


def ask_data(plan: Plan, form: Form, batches: str) -> Document:
    """Which pictures the sites train on."""
    data = plan.data
    form.slots["data"] = st.container(gap="xsmall")
    with form.slots["data"]:
        kind = _segments("data", PICTURES, data.kind, form.key)
    if kind == "own":
        return {"kind": "own"}
    st.caption(text(f"train.data_{kind}_what"))
    form.slots["data.url"] = st.container(gap="xsmall")
    with form.slots["data.url"]:
        url = st.text_input(
            text("train.url"),
            value=batches if data.kind == "own" or data.url == SOMEWHERE else data.url,
            help=text("train.url_help"),
            placeholder=text("train.url_example"),
            key=f"data.url-{form.key}",
        )
    document: Document = {"kind": kind, "url": url.strip()}
    if kind == "random":
        images = data.images if data.kind == "random" else 100
        known = Field("data.images", "whole", low=1, high=1_000_000)
        about = text("train.images_help")
        document["images"] = form.ask(known, images, text("train.images"), about)
    return document


def ask_quorum(plan: Plan, form: Form) -> float:
    """Updates that a round needs: a number of them, or a share of its sites."""
    counted = isinstance(plan.quorum, int)
    form.slots["quorum"] = st.container(gap="xsmall")
    with form.slots["quorum"]:
        kind = _segments("quorum", ("number", "share"), "number" if counted else "share", form.key)
    if kind == "number":
        known = Field("quorum.number", "whole", low=1, high=100_000)
        before = int(plan.quorum) if counted else 1
        return int(form.ask(known, before, text("train.needed_number"), _needed(kind)))
    share = 0.75 if counted else float(plan.quorum)
    known = Field("quorum.share", "whole", low=1, high=100)
    after = form.ask(known, round(share * 100), text("train.needed_share"), _needed(kind))
    # A share that is left alone stays as exact as it was.
    return share if after == round(share * 100) else after / 100


def _needed(kind: str) -> str:
    return text(f"train.needed_{kind}_help")


def ask_strategy_settings(plan: Plan, document: Document, form: Form, sites: int) -> None:
    """The settings of the chosen rule; those that nobody changed stay unsaid."""
    name = str(document["strategy"]["name"])
    if f"rule_what.{name}" in texts():
        st.caption(text(f"rule_what.{name}"))
    given = plan.strategy.settings if plan.strategy.name == name else {}
    choice = StrategyChoice(name=name, settings=given)
    defaults: Document = settings_of(StrategyChoice(name=name)).model_dump(mode="json")
    values: Document = settings_of(choice).model_dump(mode="json")
    if name == "fedbuff" and "buffer" not in given:
        values["buffer"] = min(values["buffer"], few(sites))
    with st.grid(min_column_width=200):
        for field in fields_of(RULES[name].settings, "strategy.settings"):
            setting = field.path.rpartition(".")[2]
            values[setting] = form.ask(field, values[setting], of=f"{name}-")
    document["strategy"]["settings"] = _said(values, defaults, given)


def few(sites: int) -> int:
    """A buffer for so many sites: half of them, so that the others need not be waited for."""
    return min(max(2, sites // 2), max(1, sites))


def ask_model_settings(plan: Plan, document: Document, form: Form, models: ModelsView) -> None:
    """The settings of the chosen architecture, as the master's catalogue has them."""
    name = document["model"]["name"]
    found = next((model for model in models.models if model.name == name), None)
    given = plan.model.settings if plan.model.name == name else {}
    if found is None:
        document["model"]["settings"] = given
        return
    st.caption(retold(found.summary))
    defaults = {one.name: one.default for one in found.settings}
    values: Document = {**defaults, **given}
    with st.grid(min_column_width=200):
        for one in found.settings:
            key = f"setting.model_settings_{one.name}"
            label = text(key) if key in texts() else one.name.replace("_", " ").capitalize()
            values[one.name] = form.ask(
                _of_model(one), values[one.name], label, retold(one.help), of=f"{name}-"
            )
    document["model"]["settings"] = _said(values, defaults, given)


def _of_model(one: ModelSetting) -> Field:
    path = f"model.settings.{one.name}"
    if one.choices:
        return Field(path, "choice", options=tuple(str(choice) for choice in one.choices))
    kinds: dict[type, Kind] = {bool: "yes_no", int: "whole", float: "decimal"}
    kind = kinds.get(type(one.default), "words")
    return Field(path, kind, low=one.minimum, high=one.maximum)


def _said(values: Document, defaults: Document, given: Any) -> Document:
    """What a plan has to say: what it said before, and what is not as it is anyway."""
    return {
        name: value
        for name, value in values.items()
        if value is not None and (name in given or value != defaults.get(name))
    }


def _segments(name: str, options: tuple[str, ...], value: str, key: str) -> str:
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
