"""Hyperparameters for work that is about to be handed out, where the plan searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from federated.plan import Plan
from master.search.proposals import proposals
from master.store import trials
from master.store.round_tasks import Piece


def with_proposals(
    session: Session, run_id: str, plan: Plan, number: int, pieces: Sequence[Piece]
) -> tuple[Piece, ...]:
    """The work with a proposal for each piece that has none.

    They are written with the tasks, in one transaction. Work on public pictures that another
    site takes over is the same work and keeps what it had; a site with pictures of its own in
    the place of another begins a trial of its own.

    Args:
        session: The transaction that will write the tasks.
        run_id: The run.
        plan: Its plan.
        number: The round that the work is for.
        pieces: The work.
    """
    lacking = sorted(
        (place for place, piece in enumerate(pieces) if piece.slot.hyperparameters is None),
        key=lambda place: (pieces[place].slot.site.name, pieces[place].slot.name),
    )
    if plan.search is None or not lacking:
        return tuple(pieces)
    known = trials.of_run(session, run_id)
    given = dict(zip(lacking, proposals(plan, number, known, len(lacking)), strict=True))
    return tuple(
        replace(piece, slot=replace(piece.slot, hyperparameters=given[place]))
        if place in given
        else piece
        for place, piece in enumerate(pieces)
    )
