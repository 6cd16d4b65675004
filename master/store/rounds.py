"""Rounds of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from federated.errors import NotFound
from federated.plan import Plan
from federated.states import RoundState
from federated.views import ExcludedNode, RoundView
from master.store import evaluations, events, round_tasks, task_views, updates, versions
from master.store.round_tasks import Patience, Piece
from master.store.tables import RoundRow, RunRow, VersionRow

LOCAL = (
    "Each site keeps BatchNorm's statistics to itself. Those of the global model are an average "
    "of the sites', so its figures are approximate."
)

UNDER_WAY = (RoundState.OPEN, RoundState.AGGREGATING)


@dataclass(frozen=True, slots=True)
class Opening:
    """A round as it is opened.

    Attributes:
        pieces: Its work, and who does it.
        excluded: The sites that have none, with the reason of each.
        able: Sites that can answer it.
        quorum: Accepted updates that it needs.
        target: Accepted updates with which it closes at once.
        seconds: From the opening to the deadline.
    """

    pieces: tuple[Piece, ...]
    excluded: tuple[ExcludedNode, ...]
    able: int
    quorum: int
    target: int
    seconds: float

    @property
    def possible(self) -> bool:
        """Whether it could reach its quorum."""
        return self.able >= self.quorum


@dataclass(frozen=True, slots=True)
class Closed:
    """A round that has made a model, with the versions before and after it."""

    number: int
    before: int
    after: int


def open_next(
    session: Session, run: RunRow, plan: Plan, opening: Opening, now: float, patience: Patience
) -> RoundRow:
    """Opens the next round of a run with a task for each piece of its work."""
    run.round += 1
    run.reason, run.waiting_since = None, None
    row = RoundRow(
        run_id=run.id,
        number=run.round,
        state=str(RoundState.OPEN),
        opened_at=now,
        deadline_at=now + opening.seconds,
        before_id=run.version_id,
        quorum=opening.quorum,
        target=opening.target,
        excluded=[node.model_dump(mode="json") for node in opening.excluded],
    )
    session.add(row)
    session.flush()
    round_tasks.add(session, row, opening.pieces, now, patience)
    sites = [piece.slot.site for piece in opening.pieces]
    who = f" for {', '.join(site.name for site in sites)}" if sites else ""
    text = f"Round {row.number} of {plan.rounds} is open{who}"
    data = {"round": row.number, "nodes": [site.id for site in sites], "excluded": row.excluded}
    events.record(session, now, "round_open", text, run=run.id, **data)
    return row


def hand_out(
    session: Session, row: RoundRow, pieces: Sequence[Piece], now: float, patience: Patience
) -> None:
    """Adds work to an open round; who gets some is left out no longer."""
    round_tasks.add(session, row, pieces, now, patience)
    given = {piece.slot.site.id for piece in pieces}
    row.excluded = [node for node in row.excluded if node["node"] not in given]


def extend(session: Session, row: RoundRow, reason: str, now: float, longest: float) -> None:
    """Gives a round its time again, at most `longest` seconds; this happens once."""
    row.extended = True
    # An outage or a pause may have moved the deadline: that was no part of the round's time.
    row.deadline_at += min(row.deadline_at - row.opened_at, longest)
    text = f"Round {row.number} is extended once: {reason}"
    data = {"round": row.number, "deadline_at": row.deadline_at, "reason": reason}
    events.record(session, now, "round_extended", text, run=row.run_id, **data)


def keep_open(session: Session, now: float, seconds: float) -> None:
    """Gives every open round at least so long: while the master was away, nobody could answer."""
    session.execute(
        update(RoundRow)
        .where(RoundRow.state == RoundState.OPEN, RoundRow.deadline_at < now + seconds)
        .values(deadline_at=now + seconds)
    )


def under_way(session: Session, run_id: str) -> RoundRow | None:
    """The round of a run that is open or aggregating."""
    query = select(RoundRow).where(RoundRow.run_id == run_id, RoundRow.state.in_(UNDER_WAY))
    return session.scalar(query.order_by(RoundRow.number))


def get(session: Session, run_id: str, number: int) -> RoundRow:
    """A round.

    Raises:
        NotFound: There is none.
    """
    row = session.get(RoundRow, (run_id, number))
    if row is None:
        raise NotFound("This run has no such round", received=number)
    return row


def last(session: Session, run_id: str, *, closed: bool = False) -> RoundRow | None:
    """The newest round of a run, or the newest that was closed."""
    query = select(RoundRow).where(RoundRow.run_id == run_id)
    if closed:
        query = query.where(RoundRow.state == RoundState.CLOSED)
    return session.scalar(query.order_by(RoundRow.number.desc()).limit(1))


def closed(session: Session, run_id: str) -> list[Closed]:
    """The rounds of a run that have made a model, in order."""
    query = select(RoundRow).where(RoundRow.run_id == run_id).order_by(RoundRow.number)
    return [
        Closed(row.number, row.before_id, row.after_id)
        for row in session.scalars(query)
        if row.after_id is not None
    ]


def views(session: Session, run_id: str) -> list[RoundView]:
    """All rounds of a run, in order."""
    query = select(RoundRow).where(RoundRow.run_id == run_id).order_by(RoundRow.number)
    return [view(session, row) for row in session.scalars(query)]


def note(session: Session, row: RoundRow) -> str | None:
    """What to know of the global model of a round; None for nothing."""
    run = session.get_one(RunRow, row.run_id)
    if Plan.model_validate(run.plan).strategy.batch_norm != "local":
        return None
    return LOCAL if versions.get(session, row.before_id).signature.statistics else None


def view(session: Session, row: RoundRow) -> RoundView:
    """A round as people see it."""
    before = session.get_one(VersionRow, row.before_id)
    after = session.get(VersionRow, row.after_id) if row.after_id else None
    return RoundView(
        run=row.run_id,
        number=row.number,
        state=RoundState(row.state),
        reason=row.reason,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        deadline_at=row.deadline_at,
        quorum=row.quorum,
        target=row.target,
        extended=row.extended,
        weights_before=before.weights,
        weights_after=after.weights if after else None,
        tasks=task_views.of_round(session, row.run_id, row.number),
        updates=updates.views(session, row.run_id, row.number),
        excluded=[ExcludedNode.model_validate(node) for node in row.excluded],
        note=note(session, row),
        evaluation=evaluations.headline(session, row.after_id),
    )
