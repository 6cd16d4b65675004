"""Hyperparameters for work that is about to be handed out, where the plan searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from federated.plan import Plan
from master.search.asked import Ask, Proposed
from master.search.proposals import proposals
from master.store import trials
from master.store.round_tasks import Piece


class NotProposed(Exception):
    """A transaction needs proposals that take longer to work out than it may last.

    It has to be rolled back, the ask answered by `work_out`, and the step taken again. Whatever
    has changed meanwhile makes another ask, so that none is answered by what no longer holds.
    """

    def __init__(self, run_id: str, ask: Ask) -> None:
        super().__init__(f"run {run_id} needs {ask.count} proposals for round {ask.number}")
        self.run_id, self.ask = run_id, ask


def work_out(proposed: Proposed, missing: NotProposed) -> None:
    """Answers an ask, outside of every transaction."""
    ask = missing.ask
    answer = proposals(ask.plan, ask.number, ask.trials, ask.count)
    proposed.keep(missing.run_id, ask, answer)


def with_proposals(
    session: Session,
    proposed: Proposed,
    run_id: str,
    plan: Plan,
    number: int,
    pieces: Sequence[Piece],
) -> tuple[Piece, ...]:
    """The work with a proposal for each piece that has none.

    They are written with the tasks, in one transaction. Work on public pictures that another
    site takes over is the same work and keeps what it had; a site with pictures of its own in
    the place of another begins a trial of its own.

    Args:
        session: The transaction that will write the tasks.
        proposed: What was worked out before it.
        run_id: The run.
        plan: Its plan.
        number: The round that the work is for.
        pieces: The work.

    Raises:
        NotProposed: They have to be worked out first.
    """
    lacking = sorted(
        (place for place, piece in enumerate(pieces) if piece.slot.hyperparameters is None),
        key=lambda place: (pieces[place].slot.site.name, pieces[place].slot.name),
    )
    if plan.search is None or not lacking:
        return tuple(pieces)
    ask = Ask(plan, number, tuple(trials.of_run(session, run_id)), len(lacking))
    answer = proposed.find(run_id, ask)
    if answer is None:
        raise NotProposed(run_id, ask)
    given = dict(zip(lacking, answer, strict=True))
    return tuple(
        replace(piece, slot=replace(piece.slot, hyperparameters=given[place]))
        if place in given
        else piece
        for place, piece in enumerate(pieces)
    )
