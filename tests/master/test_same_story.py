"""The same federation on SQLite and on PostgreSQL: every answer is the same, to the byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from master.store import MIGRATIONS
from tests.databases import NewDatabase
from tests.master.federation import Clock, Federation, base_of, trained, update_of
from tests.master.test_evaluation_jobs import knowing, upload

QUESTIONS = (
    "/nodes", "/studies", "/studies/skin/statistics", "/runs", "/runs/{run}",
    "/runs/{run}/rounds", "/runs/{run}/rounds/1", "/runs/{run}/statistics",
    "/runs/{run}/evaluation", "/runs/{run}/rewards", "/rewards",
    "/runs/{run}/events", "/events", "/runs/{run}/history.csv",
)  # fmt: skip
NAMES = ("site_a", "site-b", "sitec", "site-10")
"""Names that bytes and languages sort differently."""


def told(state: Path, database: str | None) -> list[str]:
    """What a master answers after two rounds with all that can happen to an update."""
    federation = Federation(state, Clock(), database=database)
    federation.study()
    upload(federation, "audit", {"benign": 6, "malignant": 4})
    upload(federation, "test", {"benign": 2, "malignant": 3})
    sites = {name: federation.site(name, labelled=20 + 2 * n) for n, name in enumerate(NAMES)}
    run = federation.run(rounds=2, quorum=2, close="quorum")
    spoilt = {name: weights * np.nan for name, weights in base_of(sites["sitec"]).items()}
    federation.deliver(sites["sitec"], update_of(sites["sitec"].tasks[-1], spoilt, num_examples=5))
    federation.report(sites["site-b"], epoch=1, epochs=2, loss=0.1 + 0.2)
    federation.clock.tick(0.1)
    federation.deliver(sites["site_a"], knowing(sites["site_a"], 3.0, num_examples=7))
    federation.deliver(sites["site-b"], knowing(sites["site-b"], 2.0, num_examples=11))
    failure = {"code": "out_of_memory", "detail": "There is no room: \N{SKULL} 母斑."}
    late = sites["site-10"]
    federation.deliver(late, trained(late, 0.3, num_examples=13), f"{run}-1-{late.id}")
    federation.call("POST", f"/tasks/{late.tasks[-1].id}/failure", late.token, json=failure)
    federation.settle()
    for name in ("site-b", "site_a"):
        federation.deliver(sites[name], trained(sites[name], 0.7, num_examples=17))
    answers = [federation.call("GET", path.format(run=run)) for path in QUESTIONS]
    federation.services.database.close()
    assert [answer.status_code for answer in answers] == [200] * len(QUESTIONS)
    return [answer.get_data(as_text=True) for answer in answers]


def test_both_kinds_of_database_tell_the_same(tmp_path: Path, new_postgres: NewDatabase) -> None:
    here = told(tmp_path / "here", None)
    there = told(tmp_path / "there", new_postgres(MIGRATIONS))
    for question, one, other in zip(QUESTIONS, here, there, strict=True):
        assert one == other, question
    assert '"completed"' in here[QUESTIONS.index("/runs/{run}")]
    assert '"late"' in here[QUESTIONS.index("/runs/{run}/rounds")]
