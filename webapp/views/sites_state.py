"""Who may take part: let in, suspend and let back in, each after a second look."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from federated.states import NodeState
from federated.views import NodeView
from webapp.api import ApiError
from webapp.desk import Desk
from webapp.layout import problem
from webapp.texts import text
from webapp.words import (
    commas,
    plain,
    told,
)


def approval(desk: Desk, node: NodeView) -> None:
    """A site that asks to take part, with the button that lets it in."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(told("sites.asks", name=node.name), width="stretch")
        label = text("sites.approve")
        if st.button(label, key=f"approve-{node.id}", type="primary", icon=":material/check:"):
            _ask(desk, node, NodeState.ACTIVE, "sites.let_in")


def participation(desk: Desk, node: NodeView) -> None:
    """The button that holds a site back, or lets it in again."""
    if node.state == NodeState.PENDING:
        return
    active = node.state == NodeState.ACTIVE
    key, icon = ("sites.suspend", "block") if active else ("sites.readmit", "check")
    after = NodeState.SUSPENDED if active else NodeState.ACTIVE
    label = told(key, name=node.name)
    if st.button(label, key=f"state-{node.id}", icon=f":material/{icon}:"):
        _ask(desk, node, after, key)


def _ask(desk: Desk, node: NodeView, state: NodeState, key: str) -> None:
    """Asks once more, and says what comes of it."""
    # A dialog's title is given to its decorator, and the language is known on the page alone.
    label = told(key, name=node.name)
    st.dialog(label, icon=":material/hub:")(_asked)(desk, node, state, label)


def _asked(desk: Desk, node: NodeView, state: NodeState, label: str) -> None:
    after = "suspended" if state == NodeState.SUSPENDED else "active"
    st.markdown(text(f"sites.then_{after}"))
    if node.url:
        st.code(node.url, language=None)
    if st.button(label, type="primary", key="site-state", on_click=_set, args=(desk, node, state)):
        st.rerun()


def _set(desk: Desk, node: NodeView, state: NodeState) -> None:
    try:
        desk.operator.set_node_state(node.id, state)
    except ApiError as error:
        st.session_state["refused-node"] = error


def refused(what: str) -> None:
    """What the master said to the last click, where it refused; told once."""
    error: ApiError | None = st.session_state.pop(f"refused-{what}", None)
    if error is not None:
        problem(error)


def skew(nodes: list[NodeView]) -> None:
    """Which versions the sites have, where they differ."""
    counts = Counter(node.version for node in nodes if node.state == NodeState.ACTIVE)
    if len(counts) > 1:
        versions = commas(
            text("sites.of_version", version=version, count=number)
            for version, number in counts.most_common()
        )
        st.warning(plain(text("sites.skew", versions=versions)), icon=":material/update:")
