"""Many sites as a table: filtered, in pages, a line for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import streamlit as st

from federated.states import NodeStanding, NodeState
from federated.views import NodeView
from webapp.desk import Desk
from webapp.layout import figures, live, paged, table
from webapp.texts import text
from webapp.words import NOTHING, ago, credit, marked, small, whole

PAGE = 20

FILTERS: Mapping[str, Callable[[NodeView], bool]] = MappingProxyType(
    {
        "all": lambda node: True,
        "online": lambda node: node.reachable and node.state == NodeState.ACTIVE,
        "away": lambda node: not node.reachable and node.state == NodeState.ACTIVE,
        "training": lambda node: node.reachable and node.activity == "training",
        "watched": lambda node: node.standing == NodeStanding.WATCHED,
        "suspended": lambda node: node.state == NodeState.SUSPENDED,
    }
)


def sites_table(desk: Desk, nodes: list[NodeView]) -> None:
    """Draws the filter, the pages, and the lines of one page."""
    figures(
        {
            text(f"sites.filter_{name}"): whole(sum(map(fits, nodes)))
            for name, fits in FILTERS.items()
        },
        width=100,
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            text("sites.filter"),
            list(FILTERS),
            default="all",
            format_func=lambda name: text(f"sites.filter_{name}"),
            required=True,
            key="site-filter",
        )
        wanted = st.text_input(text("sites.search"), key="site-search").strip().lower()
    kept = _kept(nodes, str(kind), wanted)
    if not kept:
        st.markdown(text("sites.none_fits"))
        return
    live(_lines, active=True)(desk, str(kind), wanted, paged("sites", len(kept), PAGE))


def _kept(nodes: list[NodeView], kind: str, wanted: str) -> list[NodeView]:
    return [node for node in nodes if FILTERS[kind](node) and wanted in node.name.lower()]


def _lines(desk: Desk, kind: str, wanted: str, page: slice) -> None:
    kept = _kept(desk.operator.nodes(), kind, wanted)
    shown = kept[page]
    studies = [view.study.id for view in desk.operator.studies()]
    if shown:
        table([_line(node, studies, desk.now()) for node in shown], text("sites.table"))
    st.caption(text("sites.shown", count=len(kept)))


def _line(node: NodeView, studies: list[str], now: float) -> dict[str, object]:
    """What matters most first: a narrow screen shows the first columns."""
    held = sum(sum(node.studies.get(study, {}).values()) for study in studies)
    speed = node.examples_per_second
    return {
        text("chart.site"): node.name,
        text("sites.status"): marked(status_of(node)),
        text("sites.standing"): marked(str(node.standing)),
        text("sites.seen"): ago(node.last_seen, now),
        text("sites.pictures"): whole(held),
        text("sites.credits"): credit(node.credits),
        text("sites.per_second"): NOTHING if speed is None else small(speed),
        text("sites.version"): node.version,
    }


def status_of(node: NodeView) -> str:
    """The one word for how a site is: what keeps it away first."""
    if node.state != NodeState.ACTIVE:
        return str(node.state)
    if not node.reachable:
        return "away"
    return "training" if node.activity == "training" else "online"
