from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from benchmarks.light_work import Noise
from benchmarks.long_history import STUDY, Held, past_of, plan_of
from benchmarks.stepped_master import Clock, SteppedMaster
from master.settings import Settings
from master.state_folder import open_state
from master.store import courses, ledger, rounds
from master.store.tables import EvaluationRow, EventRow
from tests.master.linear import LinearEvaluator


def test_the_past_is_one_that_a_master_would_have_written(tmp_path: Path) -> None:
    clock = Clock(1_000_000.0)
    works = [Held(Noise(STUDY, 3 + n, n, spread=0.5)) for n in range(3)]
    with SteppedMaster(tmp_path, clock, LinearEvaluator()) as master:
        past = past_of(master, clock, works, plan_of(rounds=2, quorum=2, deadline=120.0))

    database, blobs = open_state(Settings(tmp_path))
    with database.read() as session:
        course = courses.course(session, past.run)
        views = rounds.views(session, past.run)
        earned = ledger.count(session, past.run)
        kinds = set(session.scalars(select(EventRow.kind)))
        tested = set(session.scalars(select(EvaluationRow.state)))
    database.close()
    assert [round_.state for round_ in course.rounds] == ["closed", "closed"]
    assert [site.node_name for site in course.sites] == ["clinic-01", "clinic-02", "clinic-03"]
    assert {site.node for site in course.sites} == {one.node_id for one in past.sites.values()}
    counted = [update for view in views for update in view.updates if update.share]
    assert all(update.audit and update.num_examples >= 6 for update in counted)
    assert earned == len(counted)
    assert {"node_joined", "round_open", "round_closed", "run_completed"} <= kinds
    assert tested == {"done"}
    assert all(blobs.has(update.sha256) for update in counted)
    assert clock() < 1_000_000.0 + 2 * 3 * 120
