"""The sites: what each holds, which model reached it, and who may take part."""

from __future__ import annotations

import re

import streamlit as st

from federated.states import NodeStanding, NodeState
from federated.statistics import WeightStatistics
from federated.values import SLUG
from federated.views import NodeView, ReceivedModel, StudyView
from webapp.api import ApiError
from webapp.desk import Desk
from webapp.layout import (
    badge,
    choose,
    empty,
    figures,
    guard,
    live,
    opening,
    problem,
    section,
    tell_of_change,
)
from webapp.retold import retold
from webapp.texts import text
from webapp.views.sites_history import taken_part
from webapp.views.sites_state import approval, participation, refused, skew
from webapp.views.sites_table import sites_table
from webapp.words import (
    ago,
    commas,
    credit,
    plain,
    sentences,
    short,
    small,
    told,
    whole,
)

COMMAND = (
    # A command line can be read by everybody on its computer; its environment cannot.
    "COMMONSIGHT_JOIN_TOKEN={token} \\\n"
    "  python -m child serve --state ./{name}-state --port 8510 \\\n"
    "  --master {master} \\\n"
    "  --name {name}"
)
ADDRESS = " --url http://127.0.0.1:8510"
"""What a site adds whose computer the master can call."""
DEMO = " --demo"
"""What a site of the demo adds, to train with a single picture like the others."""


FEW = 6
"""Sites that are shown whole, one below the other; of more there is a table."""


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("sites")
    nodes = desk.operator.nodes()
    tell_of_change(lambda: [(node.id, node.state) for node in desk.operator.nodes()])
    refused("node")
    for node in nodes:
        if node.state == NodeState.PENDING:
            approval(desk, node)
    skew(nodes)
    _list(desk, nodes)
    _invitation(desk)


def _list(desk: Desk, nodes: list[NodeView]) -> None:
    """All sites, or the one that was chosen."""
    if not nodes:
        empty("sites.none", desk)
        return
    names = {node.name: node for node in nodes}
    chosen = choose("site", text("sites.look_at"), [ALL, *names], _site_name)
    if chosen in names:
        node = names[chosen]
        live(_one_card, active=True)(desk, node.id)
        participation(desk, node)
        with guard():
            taken_part(desk, node)
    elif len(nodes) <= FEW:
        live(_cards, active=True)(desk)
    else:
        sites_table(desk, nodes)


ALL = ""
"""Stands for all sites among their names."""


def _site_name(name: str) -> str:
    return plain(name) if name else text("sites.all")


def _cards(desk: Desk) -> None:
    studies = desk.operator.studies()
    for node in desk.operator.nodes():
        with st.container(border=True):
            _card(desk, node, studies)


def _one_card(desk: Desk, node_id: str) -> None:
    studies = desk.operator.studies()
    for node in desk.operator.nodes():
        if node.id == node_id:
            with st.container(border=True):
                _card(desk, node, studies)


def _card(desk: Desk, node: NodeView, studies: list[StudyView]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header(plain(node.name), anchor=False, width="content")
        badge(str(node.state))
        if node.standing != NodeStanding.SUSPENDED:
            badge(str(node.standing))
        badge("online" if node.reachable else "away")
        badge(node.mode)
        if node.reachable and node.activity == "training":
            badge("training")
    st.caption(
        told(
            "sites.line",
            seen=ago(node.last_seen, desk.now()),
            version=node.version,
            credits=credit(node.credits),
            speed=_speed(node),
        )
    )
    _standing(node)
    if node.url:
        st.caption(plain(node.url))
    for study in studies:
        _study(desk, node, study)


def _standing(node: NodeView) -> None:
    """How closely the master looks at what the site sends, and why."""
    if node.standing != NodeStanding.SUSPENDED:
        facts = {"count": node.good_results, "reason": retold(node.standing_reason or "")}
        st.caption(told(f"sites.standing_{node.standing}", **facts))


def _speed(node: NodeView) -> str:
    """Pictures per second, as the master measured it."""
    speed = node.examples_per_second
    return text("sites.unmeasured") if speed is None else text("sites.speed", speed=small(speed))


def _study(desk: Desk, node: NodeView, study: StudyView) -> None:
    counts = node.studies.get(study.study.id, {})
    held = commas(f"{whole(counts.get(name, 0))} {name}" for name in study.study.classes)
    st.markdown(
        told(
            "sites.holds",
            study=study.study.name,
            counts=held,
            new=node.new_labelled.get(study.study.id, 0),
        )
    )
    received = node.received.get(study.study.id)
    if received is None:
        st.markdown(text("sites.nothing_received"))
        return
    st.markdown(_received_line(received, desk.now()))
    _weights(desk, node, study, received)


def _received_line(received: ReceivedModel, now: float) -> str:
    fine = received.http_status is not None and 200 <= received.http_status < 300
    icon = ":material/check_circle:" if fine else ":material/error:"
    status = f"HTTP {received.http_status}" if received.http_status else text("sites.no_answer")
    return text(
        "sites.received",
        icon=icon,
        detail=plain(retold(received.detail.rstrip("."))),
        status=status,
        round=received.round,
        ago=ago(received.at, now),
        weights=short(received.weights),
    )


def _weights(desk: Desk, node: NodeView, study: StudyView, received: ReceivedModel) -> None:
    """The five figures of the weights that went to the site."""
    name, current = study.study.id, study.current
    try:
        shown: WeightStatistics = desk.operator.weights_statistics(name, received.weights)
    except ApiError as error:
        st.caption(told("sites.no_statistics", reason=retold(error.detail)))
        return
    five = {text(f"weights.{name}"): small(getattr(shown.all, name)) for name in FIVE}
    figures(five, width=104, fine=f"{node.id}-{study.study.id}")
    said = text("weights.count", count=whole(shown.all.count))
    if current and current.frozen and current.weights == received.weights:
        said = sentences(said, text("weights.besides", count=whole(current.frozen_parameters)))
    st.caption(said)


FIVE = ("mean", "median", "std", "min", "max")


def _invitation(desk: Desk) -> None:
    section("sites.invite")
    st.markdown(text("sites.invite_how"))
    approve = st.checkbox(text("sites.approve_at_once"), value=True, key="approve-at-once")
    called = st.segmented_control(
        text("sites.way"),
        ["pull", "push"],
        default="pull",
        format_func=lambda way: text(f"sites.way_{way}"),
        required=True,
        key="way",
    )
    st.caption(text(f"sites.way_{called}_what"))
    name = st.text_input(
        text("sites.own_name"), value="my-site", help=text("sites.own_name_help"), key="own-name"
    ).strip()
    if not re.fullmatch(SLUG, name):
        st.error(text("sites.no_name"), icon=":material/error:")
        return
    if st.button(text("sites.make_token"), icon=":material/key:"):
        try:
            st.session_state["join-token"] = desk.operator.join_token(approve=approve).token
        except ApiError as error:
            problem(error)
    token = st.session_state.get("join-token")
    if token:
        st.markdown(text("sites.token_once"))
        address = desk.operator.connection.url
        command = COMMAND.format(name=name, master=address, token=token)
        command += ADDRESS if called == "push" else ""
        command += DEMO if desk.role == "demo" else ""
        st.code(command, language=None, wrap_lines=True)
