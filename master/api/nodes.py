"""Nodes: join tokens, enrolment, approval, heartbeats."""

from __future__ import annotations

from typing import Literal

from apiflask import APIBlueprint
from pydantic import Field
from sqlalchemy.orm import Session

from federated.errors import InvalidInput, NotFound
from federated.messages import Enrolment, Heartbeat, HeartbeatAnswer, JoinRequest, StudyPush
from federated.model_card import ModelCard
from federated.states import NodeState
from federated.values import Message
from federated.views import NodeHistory, NodeView
from master.api.context import NODE, OPERATOR, PEOPLE, known_tokens, services
from master.store import (
    deliveries,
    ledger,
    model_cards,
    node_history,
    node_views,
    nodes,
    tasks,
    tokens,
)
from master.store.tables import NodeRow
from serving.auth import AUTH, caller
from serving.optional_body import optional_body
from serving.server import check_url
from serving.tokens import write_secret

blueprint = APIBlueprint("nodes", __name__, url_prefix="/api/v1", tag="Nodes")


class NewJoinToken(Message):
    """`POST /join-tokens`; `approve`: whoever uses the token may take part at once."""

    approve: bool = False


class JoinToken(Message):
    """A join token, shown this once."""

    token: str
    expires_at: float


class NodeChange(Message):
    """`PATCH /nodes/<id>`."""

    state: Literal[NodeState.ACTIVE, NodeState.SUSPENDED]


class NodeList(Message):
    """Answer of `GET /nodes`."""

    nodes: list[NodeView] = Field(default_factory=list)


@blueprint.post("/join-tokens")
@blueprint.auth_required(AUTH, roles=OPERATOR)
@optional_body(NewJoinToken(), "message")
@blueprint.input(NewJoinToken, arg_name="message")
@blueprint.output(JoinToken, status_code=201)
def create_join_token(message: NewJoinToken) -> JoinToken:
    """Makes a single-use token with which one child can enrol within 7 days."""
    master = services()
    now = master.now()
    with master.database.write() as session:
        token = tokens.mint(session, "join", now, approve=message.approve)
    return JoinToken(token=token, expires_at=now + tokens.JOIN_SECONDS)


@blueprint.post("/nodes")
@blueprint.input(JoinRequest, arg_name="message")
@blueprint.output(Enrolment, status_code=201)
def enrol(message: JoinRequest) -> Enrolment:
    """Enrols a child that shows a join token; its own token is shown this once."""
    master = services()
    url = _checked(message.url)
    if (url is None) != (message.push_token is None):
        raise InvalidInput(
            "A child that can be called has an address and a push token",
            expected="both 'url' and 'push_token', or neither",
        )
    with master.database.write() as session:
        row = nodes.enrol(session, message, url, master.new_id(), master.now())
        token = tokens.mint(session, "node", master.now(), node=row.id)
        # Before the commit: a node in the table always has its secret in its place.
        if message.push_token is not None:
            write_secret(master.state.push_token(row.id), message.push_token)
        enrolment = Enrolment(node_id=row.id, token=token, state=NodeState(row.state))
    # A node that enrols again has a new token, and the one before opens nothing any more.
    known_tokens().forget()
    master.wakeup.notify()
    return enrolment


@blueprint.get("/nodes")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(NodeList)
def list_nodes() -> NodeList:
    """All nodes, in order of name."""
    master = services()
    with master.database.read() as session:
        views = node_views.node_views(session, master.now(), master.settings.reachable_seconds)
    return NodeList(nodes=views)


@blueprint.get("/nodes/<node_id>/history")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(NodeHistory)
def get_history(node_id: str) -> NodeHistory:
    """What a node has taken part in: how often it came to what, and its newest tasks."""
    with services().database.read() as session:
        return node_history.history(session, node_id)


@blueprint.patch("/nodes/<node_id>")
@blueprint.auth_required(AUTH, roles=OPERATOR)
@blueprint.input(NodeChange, arg_name="message")
@blueprint.output(NodeView)
def change_node(node_id: str, message: NodeChange) -> NodeView:
    """Approves or suspends a node; a suspended node's open tasks are cancelled."""
    master = services()
    with master.database.write() as session:
        now = master.now()
        nodes.set_state(session, node_id, message.state, now)
        if message.state == NodeState.SUSPENDED:
            tasks.cancel_of_node(session, node_id, "the site was suspended", now)
        session.flush()
        view = node_views.node_view(session, node_id, now, master.settings.reachable_seconds)
    master.wakeup.notify()
    return view


@blueprint.post("/nodes/<node_id>/heartbeat")
@blueprint.auth_required(AUTH, roles=NODE)
@blueprint.input(Heartbeat, arg_name="message")
@blueprint.output(HeartbeatAnswer)
def heartbeat(node_id: str, message: Heartbeat) -> HeartbeatAnswer:
    """A child lives, and says what it holds; this renews the leases of the tasks it names."""
    master = services()
    if node_id != caller().id:
        raise NotFound("There is no such site", expected="the caller's own id")
    now, reachable_seconds = master.now(), master.settings.reachable_seconds
    with master.database.read() as session:
        row = nodes.get(session, node_id)
        # A node that polls is known to live; its heartbeats seldom tell more.
        lives = row.url is None and nodes.is_reachable(row, now, reachable_seconds)
        if lives and nodes.is_known(session, row, message):
            return _answer(session, row, message)
    with master.database.write() as session:
        row = nodes.get(session, node_id)
        url = _checked(message.url) if message.url and row.url else row.url
        news = nodes.seen(session, node_id, message, url, now)
        lease_seconds = master.settings.lease_seconds
        cancelled = tasks.renew(session, node_id, message.tasks, now, lease_seconds)
        if row.url is None:
            deliveries.note_reports(session, row, message.studies, now)
        answer = _answer(session, row, message, cancelled)
    if news:
        master.wakeup.notify()
    return answer


def _answer(
    session: Session, row: NodeRow, message: Heartbeat, cancelled: tuple[str, ...] = ()
) -> HeartbeatAnswer:
    return HeartbeatAnswer(
        state=NodeState(row.state),
        interval_seconds=_interval(row, message),
        cancelled=cancelled,
        models=_models_to_fetch(session, row, message),
        credits=ledger.of_node(session, row.id),
        cards=_cards(session, row, message),
    )


def _models_to_fetch(session: Session, row: NodeRow, message: Heartbeat) -> tuple[StudyPush, ...]:
    """What a node that cannot be called should fetch."""
    if row.url is not None or row.state != NodeState.ACTIVE:
        return ()
    return tuple(version.push() for version in deliveries.missing(session, message.studies))


def _cards(session: Session, row: NodeRow, message: Heartbeat) -> tuple[ModelCard, ...]:
    """What a node is told of the models that it holds, where it has not heard that yet."""
    if row.state != NodeState.ACTIVE:
        return ()
    return model_cards.news(session, row.id, message.studies, services().settings.licence)


def _interval(row: NodeRow, message: Heartbeat) -> float:
    """Seconds until the next heartbeat; a node that waits for work shows that by its poll."""
    settings = services().settings
    waits = row.url is None and not message.tasks and row.state != NodeState.PENDING
    return settings.idle_heartbeat_seconds if waits else settings.heartbeat_seconds


def _checked(url: str | None) -> str | None:
    return check_url(url, allow_plain=services().settings.allow_plain_http) if url else None
