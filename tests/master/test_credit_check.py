"""The ledger recomputed: from the updates that are kept, and against what was written down."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from master.coordinator.coalition_models import Bench
from master.credit_check import Checked, check
from master.store.tables import LedgerRow
from tests.master.federation import Federation
from tests.master.test_credits import started


def checked(federation: Federation) -> Checked:
    services = federation.services
    bench = Bench(services.blobs, services.state, services.evaluator)
    (found,) = check(services.database, bench)
    return found


@pytest.mark.parametrize("policy", ["accuracy", "leave_one_out", "shapley"])
def test_stored_updates_give_the_same_ledger_and_a_changed_one_is_found(
    federation: Federation, policy: str
) -> None:
    run = started(federation, rewards={"policy": policy, "pool": 10})
    found = checked(federation)
    assert found.faults == ()
    assert "adds up. Recomputed from" in " ".join(found.told)
    assert found.told[1].endswith("models: the same.")
    _take_a_thousandth(federation)
    found = checked(federation)
    assert found.faults[0] == "the pool is 10"
    assert "in the ledger" in found.faults[1]
    blobs = [one["sha256"] for one in federation.get(f"/runs/{run}/rounds/1")["updates"]]
    federation.services.blobs.delete(blobs[0])
    assert checked(federation).told[1] == "Not recomputed: its updates are no longer kept."


def _take_a_thousandth(federation: Federation) -> None:
    with federation.services.database.write() as session:
        first = update(LedgerRow).where(LedgerRow.id == 1)
        session.execute(first.values(amount=LedgerRow.amount - 1))


def test_what_is_pending_or_was_not_granted_is_told(federation: Federation) -> None:
    federation.evaluation_queues.held = ("credits/",)
    whole: dict[str, Any] = {"policy": "shapley", "max_evaluations": 2}
    started(federation, rewards=whole)
    assert checked(federation).told[1] == "Being worked out; 0 models are measured."
    federation.evaluation_queues.release()
    federation.settle()
    found = checked(federation)
    assert found.faults == ()
    assert found.told[0] == "0.000 credits to 0 updates: adds up."
