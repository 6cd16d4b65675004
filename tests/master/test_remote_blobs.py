"""A master whose blobs are kept on a real S3 server too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.master.federation import Clock, Federation, base_of, trained
from tests.s3_server import S3Server

PLAN = {"rounds": 2, "privacy": {"min_examples": 5}}


@pytest.fixture
def federation(tmp_path: Path, clock: Clock, s3_server: S3Server) -> Iterator[Federation]:
    s3_server.bucket("federation")
    federation = Federation(tmp_path / "state", clock, remote_blobs="s3://federation/blobs")
    yield federation
    federation.services.database.close()


def lose_blobs(federation: Federation) -> None:
    for path in federation.services.blobs.root.iterdir():
        path.unlink()


def test_a_master_that_lost_its_blobs_goes_on_from_the_remote_store(
    federation: Federation,
) -> None:
    federation.study()
    child = federation.site("clinic-a")
    run = federation.run(**PLAN)
    assert federation.deliver(child, trained(child, 0.5, num_examples=7)).status_code == 200
    lose_blobs(federation)
    assert federation.deliver(child, trained(child, 0.25, num_examples=9)).status_code == 200
    rounds = federation.rounds(run)
    assert [row["state"] for row in rounds] == ["closed", "closed"]
    lose_blobs(federation)
    weights = federation.call("GET", f"/weights/{rounds[-1]['weights_after']}")
    assert weights.status_code == 200
    before = base_of(child)["dense/kernel"]
    after = federation.weights(rounds[-1]["weights_after"])["dense/kernel"]
    np.testing.assert_allclose(after, before + 0.25, atol=1e-6)


def test_an_update_that_cannot_be_kept_is_neither_taken_nor_refused(
    federation: Federation, s3_server: S3Server
) -> None:
    federation.study()
    child = federation.site("clinic-a")
    run = federation.run(**PLAN)
    update = trained(child, 0.5, num_examples=7)
    s3_server.stop()
    answer = federation.deliver(child, update)
    assert (answer.status_code, answer.get_json()["error"]) == (503, "unavailable")
    lose_blobs(federation)
    # Now it cannot even be compared with what it started from.
    assert federation.deliver(child, update).status_code == 503
    assert [task["state"] for task in federation.get(f"/runs/{run}")["tasks"]] == ["leased"]
    s3_server.start()
    assert federation.deliver(child, update).status_code == 200
    assert federation.get(f"/runs/{run}/rounds/1")["state"] == "closed"


def test_a_round_waits_for_the_remote_store_and_is_averaged_then(
    federation: Federation, s3_server: S3Server, clock: Clock
) -> None:
    federation.study()
    child = federation.site("clinic-a")
    run = federation.run(**PLAN)
    away_at(federation, "round-aggregating", s3_server)
    federation.deliver(child, trained(child, 0.5, num_examples=7))
    assert federation.get(f"/runs/{run}/rounds/1")["state"] == "aggregating"
    clock.tick(4)
    federation.settle()
    assert federation.get(f"/runs/{run}/rounds/1")["state"] == "aggregating"
    s3_server.start()
    clock.tick(2)
    federation.settle()
    view = federation.get(f"/runs/{run}/rounds/1")
    assert (view["state"], view["updates"][0]["share"]) == ("closed", 1.0)


def away_at(federation: Federation, place: str, s3_server: S3Server) -> None:
    """The S3 server stops when the master comes to a place."""

    def stop(name: str) -> None:
        if name == place:
            s3_server.stop()

    object.__setattr__(federation.services, "failpoint", stop)
