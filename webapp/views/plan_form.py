"""The form of a new run: every field of a plan, grouped by what it is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import Any

import streamlit as st

from federated.plan import Plan
from federated.views import ModelsView, PlanView
from webapp.plan_document import Document, at, put
from webapp.plan_fields import Field, plan_fields
from webapp.plan_words import kind_of
from webapp.texts import text, texts
from webapp.views.plan_choices import (
    ask_data,
    ask_kind,
    ask_model_settings,
    ask_quorum,
    ask_strategy_settings,
    rules_of,
)
from webapp.views.plan_inputs import Form

GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "model": ("model",),
        "training": ("training",),
        "pictures": ("training.augmentation", "training.validation_fraction", "privacy"),
        "averaging": ("strategy",),
        "search": ("search",),
        "closing": ("quorum", "close", "deadline_seconds", "deadline_factor", "sampling"),
        "audit": ("audit",),
        "rewards": ("rewards",),
        "more": (),
    }
)
"""What belongs together, by the beginnings of paths; a field of none of them is among `more`."""

ICONS: Mapping[str, str] = MappingProxyType(
    {
        "model": "network_node",
        "training": "model_training",
        "pictures": "image",
        "averaging": "merge",
        "search": "search",
        "closing": "timer",
        "audit": "fact_check",
        "rewards": "award_star",
        "more": "tune",
    }
)

FIRST = ("rounds", "training.epochs", "training.batch_size", "training.learning_rate")
"""What is changed most often stands above the groups."""

ELSEWHERE = ("trigger.kind", "trigger.min_new_pictures")
"""What the kind of run asks for."""

NEVER: Mapping[str, Mapping[str, Any]] = {
    "asynchronous": {"close": "all", "deadline_factor": None},
    "upload": {"publish": True},
}
"""What a kind of run leaves no choice in."""


def ask_plan(
    chosen: PlanView, key: str, models: ModelsView, batches: str, sites: int
) -> tuple[Document, Form]:
    """Draws the form, filled with the chosen plan; returns what it says now, and where.

    Args:
        chosen: The plan that the fields start from.
        key: Of that plan; fields of another plan have other keys.
        models: The architectures that the master has.
        batches: Where public pictures lie, if that is known.
        sites: Sites that may take part.
    """
    plan = chosen.plan
    document: Document = plan.model_dump(mode="json")
    by_path = {field.path: field for field in plan_fields()}
    kind = ask_kind(kind_of(plan), key)
    form = Form(key, options=_options(kind, models))
    if plan.strategy.name not in rules_of(kind):
        rule = "fedbuff" if kind == "asynchronous" else "fedavg"
        document["strategy"] |= {"name": rule, "settings": {}}
    with st.grid(min_column_width=180):
        for path in FIRST:
            put(document, path, form.ask(by_path[path], at(document, path)))
        document["trigger"]["kind"] = "upload" if kind == "upload" else "start"
        if kind == "upload":
            path = "trigger.min_new_pictures"
            put(document, path, form.ask(by_path[path], at(document, path)))
    # A run that waits for a site's new pictures trains on those.
    document["data"] = {"kind": "own"} if kind == "upload" else ask_data(plan, form, batches)
    for path, value in NEVER.get(kind, {}).items():
        put(document, path, value)
    for group in GROUPS:
        label = text(f"form.group_{group}")
        with st.expander(label, icon=f":material/{ICONS[group]}:", key=f"group-{group}-{key}"):
            _group(group, kind, document, form)
            _by_hand(group, plan, document, form, models, sites)
    return document, form


def _options(kind: str, models: ModelsView) -> dict[str, list[str]]:
    """What the fields of words choose from."""
    known = {"strategy.name": rules_of(kind)}
    if models.models:
        known["model.name"] = [one.name for one in models.models]
        # ImageNet's, where Keras has some.
        imagenet = ["imagenet"] if any(one.imagenet for one in models.models) else []
        known["model.weights"] = [*models.weights, *imagenet]
    return known


def _by_hand(
    group: str, plan: Plan, document: Document, form: Form, models: ModelsView, sites: int
) -> None:
    """The fields that another choice decides."""
    if group == "closing":
        document["quorum"] = ask_quorum(plan, form)
    elif group == "averaging":
        ask_strategy_settings(plan, document, form, sites)
    elif group == "model":
        ask_model_settings(plan, document, form, models)


def group_of(path: str) -> str:
    """The group that a field stands in: that of the longest beginning."""
    matches = (
        (len(start), group)
        for group, starts in GROUPS.items()
        for start in starts
        if path == start or path.startswith(f"{start}.")
    )
    return max(matches, default=(0, "more"))[1]


def _group(group: str, kind: str, document: Document, form: Form) -> None:
    never = (*FIRST, *ELSEWHERE, *NEVER.get(kind, {}))
    fields = [f for f in plan_fields() if group_of(f.path) == group and f.path not in never]
    for parent, some in groupby(fields, key=lambda field: field.path.rpartition(".")[0]):
        _chunk(parent, list(some), document, form)


def _chunk(parent: str, fields: Sequence[Field], document: Document, form: Form) -> None:
    """The fields of one part of a plan; nothing of a part that is left out."""
    if any(at(document, path, {}) is None for path in _beginnings(parent)):
        return
    heading = f"form.of_{parent.replace('.', '_')}"
    if heading in texts():
        st.markdown(f"**{text(heading)}**")
    with st.grid(min_column_width=200):
        for field in fields:
            if field.kind != "part":
                _one(field, document, form)
    for field in fields:
        if field.kind == "part":
            before = at(document, field.path)
            on = form.ask(field, before)
            put(document, field.path, (before or {}) if on else None)


def _beginnings(path: str) -> Iterator[str]:
    parts = path.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts) + 1) if path)


def _one(field: Field, document: Document, form: Form) -> None:
    if field.path == "model.config" and at(document, "model.name") != "own":
        put(document, field.path, None)
        return
    put(document, field.path, form.ask(field, at(document, field.path, field.default)))
