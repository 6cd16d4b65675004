"""Nodes: enrolment, state, what they report of themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from federated.errors import Conflict, NotFound
from federated.messages import Heartbeat, JoinRequest, StudyCounts
from federated.states import NodeState
from master.store import events, tokens, transitions
from master.store.tables import HoldingRow, NodeRow, StudyRow


@dataclass(frozen=True, slots=True)
class Site:
    """A node as one study sees it.

    Attributes:
        id: The node's id.
        name: The node's name.
        state: Whether it may take part.
        url: Where the master reaches it.
        reachable: Whether the last contact, either way, is recent.
        counts: Its labelled pictures of the study, by class.
        new_labelled: Those that no accepted round has trained on yet.
        fresh: Those of `new_labelled` that have not yet opened a round of a standing run.
        examples_per_second: Measured speed; None before its first update.
    """

    id: str
    name: str
    state: NodeState
    url: str | None
    reachable: bool
    counts: Mapping[str, int] = field(default_factory=dict)
    new_labelled: int = 0
    fresh: int = 0
    examples_per_second: float | None = None

    @property
    def labelled(self) -> int:
        """Its labelled pictures of the study, of all classes."""
        return sum(self.counts.values())


def get(session: Session, node_id: str) -> NodeRow:
    """The node's row.

    Raises:
        NotFound: There is none.
    """
    row = session.get(NodeRow, node_id)
    if row is None:
        raise NotFound("There is no such site", received=node_id[:64])
    return row


def enrol(
    session: Session, request: JoinRequest, url: str | None, node_id: str, now: float
) -> NodeRow:
    """A new node for a join token; or the node that the token has just made.

    The second is for a child that never read the answer to its first call. It ends with the
    node's first heartbeat, and ten minutes after the first call.

    Raises:
        NotAuthenticated: The join token cannot be used.
        Conflict: Another node has the name.
    """
    if (known := _just_made(session, request, now)) is not None:
        tokens.revoke(session, known.id)
        _move_to(session, known, url, now)
        return known
    token = tokens.usable(session, request.join_token, now)
    _check_name_is_free(session, request.name)
    row = NodeRow(
        id=node_id,
        name=request.name,
        state=str(NodeState.ACTIVE if token.approve else NodeState.PENDING),
        url=url,
        version=request.version,
        joined_at=now,
    )
    session.add(row)
    session.flush()
    tokens.redeem(session, token, row.id, now)
    words = "may take part" if token.approve else "waits for approval"
    text = f"Site {row.name} has joined and {words}"
    events.record(session, now, "node_joined", text, node=row.id, state=row.state)
    return row


def _just_made(session: Session, request: JoinRequest, now: float) -> NodeRow | None:
    node_id = tokens.redeemed_lately(session, request.join_token, now)
    row = None if node_id is None else get(session, node_id)
    is_same = row is not None and row.name == request.name and row.last_seen is None
    return row if is_same else None


def _check_name_is_free(session: Session, name: str) -> None:
    if session.scalar(select(NodeRow.id).where(NodeRow.name == name)):
        raise Conflict(
            "Another site has this name",
            expected="a name of its own, with --name",
            received=name,
            code="name_taken",
        )


def set_state(session: Session, node_id: str, state: NodeState, now: float) -> None:
    """Approves or suspends a node; the state that it is in already changes nothing.

    Raises:
        NotFound: There is no such node.
        Conflict: The move is not allowed.
    """
    row = get(session, node_id)
    if row.state != state:
        transitions.move_node(session, row, state, now)


def is_known(session: Session, row: NodeRow, message: Heartbeat) -> bool:
    """Whether a heartbeat says nothing that has not been noted before."""
    noted = (row.activity, row.version)
    if message.tasks or noted != (message.activity, message.version):
        return False
    query = select(HoldingRow).where(HoldingRow.node_id == row.id)
    held = {
        row.study_id: (row.counts, row.new_labelled, row.weights, row.frozen)
        for row in session.scalars(query)
    }
    return all(
        held.get(study) == (report.counts, report.new_labelled, report.weights, report.frozen)
        for study, report in message.studies.items()
    )


def seen(session: Session, node_id: str, message: Heartbeat, url: str | None, now: float) -> bool:
    """Notes a heartbeat; says whether it tells the coordinator anything new."""
    row = get(session, node_id)
    news = row.failed_at is not None or row.last_seen is None or row.url != url
    row.last_seen, row.failed_at = now, None
    row.activity, row.version = message.activity, message.version
    _move_to(session, row, url, now)
    known = set(session.scalars(select(StudyRow.id)))
    reports = {study: counts for study, counts in message.studies.items() if study in known}
    held = [_hold(session, row, study, counts, now) for study, counts in reports.items()]
    return any(held) or news


def _move_to(session: Session, row: NodeRow, url: str | None, now: float) -> None:
    """Notes a node's address; the operator has approved a machine, not whatever it names later."""
    moved = _machine(row.url) != _machine(url)
    row.url = url
    if moved and row.state == NodeState.ACTIVE:
        reason = f"it asks to be called at another address, {url}"
        transitions.move_node(session, row, NodeState.PENDING, now, reason)


def _machine(url: str | None) -> tuple[str, str | None]:
    """Scheme and host: a restart may take another port, but not come without TLS."""
    parts = urlsplit(url or "")
    return parts.scheme, parts.hostname


def present(session: Session, node_ids: Iterable[str], now: float) -> None:
    """Notes that these nodes have been heard of."""
    session.execute(update(NodeRow).where(NodeRow.id.in_(list(node_ids))).values(last_seen=now))


def presume_present(session: Session, now: float, reachable_seconds: float) -> None:
    """Takes the nodes that were there when the master was last for being there still.

    While it was away no node could call: without time to come back, a round that opens
    meanwhile would leave out all but the quickest.
    """
    last = session.scalar(select(func.max(NodeRow.last_seen)))
    if last is not None:
        session.execute(
            update(NodeRow)
            .where(NodeRow.last_seen >= last - reachable_seconds, NodeRow.last_seen < now)
            .values(last_seen=now)
        )


def failed(session: Session, node_id: str, now: float) -> None:
    """Notes that a call to a node went wrong: it is not reachable until it is heard of."""
    session.execute(update(NodeRow).where(NodeRow.id == node_id).values(failed_at=now))


def sites(session: Session, study_id: str, now: float, reachable_seconds: float) -> list[Site]:
    """All nodes as one study sees them, in order of name."""
    query = (
        select(NodeRow, HoldingRow)
        .outerjoin(
            HoldingRow, (HoldingRow.node_id == NodeRow.id) & (HoldingRow.study_id == study_id)
        )
        .order_by(NodeRow.name)
    )
    return [
        Site(
            id=node.id,
            name=node.name,
            state=NodeState(node.state),
            url=node.url,
            reachable=is_reachable(node, now, reachable_seconds),
            counts=holding.counts if holding else {},
            new_labelled=holding.new_labelled if holding else 0,
            fresh=holding.new_labelled - holding.offered if holding else 0,
            examples_per_second=node.examples_per_second,
        )
        for node, holding in session.execute(query)
    ]


def is_reachable(node: NodeRow, now: float, reachable_seconds: float) -> bool:
    """Whether the last contact, either way, went well and is recent."""
    recent = node.last_seen is not None and now - node.last_seen <= reachable_seconds
    return recent and node.failed_at is None


def called(session: Session) -> set[str]:
    """The nodes that the master calls; the others ask for their work themselves."""
    return set(session.scalars(select(NodeRow.id).where(NodeRow.url.is_not(None))))


def announced(session: Session, node_id: str, study_id: str) -> int:
    """Labelled pictures of a study that a node has last reported."""
    return sum(counts(session, node_id, study_id).values())


def counts(session: Session, node_id: str, study_id: str) -> dict[str, int]:
    """The same by class; empty where it has reported none."""
    row = session.get(HoldingRow, (node_id, study_id))
    return dict(row.counts) if row else {}


def offer(session: Session, study_id: str, node_ids: Iterable[str]) -> None:
    """Notes that the new pictures of these nodes have opened a round of a standing run."""
    session.execute(
        update(HoldingRow)
        .where(HoldingRow.study_id == study_id, HoldingRow.node_id.in_(list(node_ids)))
        .values(offered=HoldingRow.new_labelled)
        .execution_options(synchronize_session=False)
    )


def trained(session: Session, study_id: str, node_id: str) -> None:
    """Notes that a node has delivered: the child counts these pictures as new no longer."""
    row = session.get(HoldingRow, (node_id, study_id))
    if row is not None:
        row.new_labelled = row.offered = 0


def _hold(session: Session, node: NodeRow, study_id: str, report: StudyCounts, now: float) -> bool:
    row = session.get(HoldingRow, (node.id, study_id))
    if row is None:
        row = HoldingRow(node_id=node.id, study_id=study_id, counts={}, offered=0)
        session.add(row)
    # Which model it holds matters to the coordinator only where that may have to send one.
    called = node.url is not None
    before = (row.counts, row.new_labelled, called and (row.weights, row.frozen))
    row.weights, row.frozen = report.weights, report.frozen
    row.counts, row.reported_at = dict(report.counts), now
    row.new_labelled = report.new_labelled
    row.offered = min(row.offered, report.new_labelled)
    return before != (row.counts, row.new_labelled, called and (row.weights, row.frozen))
