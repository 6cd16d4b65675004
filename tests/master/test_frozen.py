"""Models with a frozen part: written once, sent once, the same through a whole run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from federated.plan import ModelChoice, Plan
from master.coordinator.run_steps import may_begin_from
from master.feature_cache import FeatureCache
from master.garbage_collection import ORPHAN_SECONDS, collect_garbage
from master.pretrained import faults_of_weights
from master.store import studies, versions
from master.store.tables import SignatureRow
from tests.master.federation import ChildInTest, Federation, trained

HEAD = {"model": {"trained": "head"}}
PLAN: dict[str, Any] = HEAD | {
    "rounds": 2,
    "privacy": {"min_examples": 5},
    "training": {"epochs": 1},
}


def blobs_sent(federation: Federation, name: str) -> int:
    return sum(call[:2] == (name, "put_weights") for call in federation.children.calls)


@pytest.fixture
def pair(federation: Federation) -> list[ChildInTest]:
    """A site that is called and one that asks, with a study whose base is frozen."""
    federation.study(plan=PLAN)
    return [federation.site("clinic-a"), federation.site("clinic-b", pull=True)]


def whole_run(federation: Federation, pair: list[ChildInTest], **plan: Any) -> str:
    called, asks = pair
    run = federation.run(**PLAN | plan)
    for _ in range(2):
        federation.poll(asks)
        federation.deliver(called, trained(called, 1.0, num_examples=5))
        federation.deliver(asks, trained(asks, 3.0, num_examples=11))
    assert federation.get(f"/runs/{run}")["state"] == "completed"
    return run


def test_the_study_tells_of_both_parts(federation: Federation) -> None:
    current = federation.study(plan=PLAN)["current"]
    # Three channels, two classes, and one scale before them.
    assert (current["parameters"], current["frozen_parameters"]) == (8, 1)
    assert (current["nbytes"], current["frozen_nbytes"]) == (32, 4)
    assert federation.weights(current["frozen"])["base/scale"] == 2
    whole = federation.study(name="Other")
    assert whole["current"]["frozen"] == current["frozen"]


def test_the_frozen_part_is_sent_once_and_only_the_rest_after_that(
    federation: Federation, pair: list[ChildInTest]
) -> None:
    called, asks = pair
    frozen = federation.get("/studies/skin")["current"]["frozen"]
    run = whole_run(federation, pair)
    # Both parts of the initial model, then two versions of what is trained.
    assert blobs_sent(federation, "clinic-a") == 2 + 2
    assert [task.frozen for task in called.tasks] == [frozen] * 2
    assert [task.frozen for task in asks.tasks] == [frozen] * 2
    view = federation.get(f"/runs/{run}")
    assert view["frozen"] == frozen
    rounds = federation.rounds(run)
    before, after = (
        federation.weights(rounds[0][f"weights_{when}"]) for when in ("before", "after")
    )
    assert set(after) == {"dense/kernel", "dense/bias"}
    for name, tensor in before.items():
        np.testing.assert_allclose(after[name], tensor + (1 * 5 + 3 * 11) / 16, rtol=1e-6)


def test_a_child_that_lost_the_frozen_part_gets_it_again(
    federation: Federation, pair: list[ChildInTest]
) -> None:
    called, _ = pair
    frozen = federation.get("/studies/skin")["current"]["frozen"]
    sent = blobs_sent(federation, "clinic-a")
    del called.blobs[frozen]
    federation.run(**PLAN)
    assert [task.frozen for task in called.tasks] == [frozen]
    assert blobs_sent(federation, "clinic-a") == sent + 1


def test_a_node_may_fetch_the_frozen_part_of_its_tasks(
    federation: Federation, pair: list[ChildInTest]
) -> None:
    _, asks = pair
    federation.run(**PLAN | {"seed": 5, "publish": False})
    task = federation.poll(asks)
    assert task is not None
    study = federation.get("/studies/skin")["current"]
    assert task.frozen not in (None, study["frozen"])
    answers = [federation.call("GET", f"/weights/{name}", asks.token) for name in task.blobs]
    assert [answer.status_code for answer in answers] == [200, 200]
    stranger = federation.join("clinic-c", pull=True)
    answer = federation.call("GET", f"/weights/{task.frozen}", stranger.token)
    assert answer.status_code == 404


def test_an_equal_head_on_another_base_is_another_model(
    federation: Federation, pair: list[ChildInTest]
) -> None:
    called, _ = pair
    with federation.services.database.write() as session:
        current = versions.with_weights(session, called.pushes[-1].weights)
        assert current.frozen is not None
        other = versions.Frozen("f" * 64, current.frozen.signature)
        row = versions.add(
            session, "skin", current.plan, current.signature, current.weights, 1.0, frozen=other
        )
        studies.set_current(session, "skin", row.id)
    (federation.settings.state / "blobs" / ("f" * 64)).write_bytes(b"another base")
    federation.beat(called)
    federation.settle()
    assert [push.frozen for push in called.pushes] == [current.frozen.weights, "f" * 64]
    assert called.blobs["f" * 64] == b"another base"


def test_a_run_goes_on_from_the_current_model_only_on_the_same_base(
    federation: Federation, pair: list[ChildInTest]
) -> None:
    called, _ = pair
    whole_run(federation, pair)
    learned = federation.get("/studies/skin")["current"]
    federation.run(**PLAN)
    assert called.tasks[-1].weights == learned["weights"]
    federation.post(f"/runs/{called.tasks[-1].run}/stop")
    federation.settle()
    federation.run(**PLAN | {"seed": 7})
    begun = called.tasks[-1]
    assert begun.weights != learned["weights"]
    assert federation.weights(begun.frozen or "")["base/scale"] == 2 + 7


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"seed": 1}, False),
        ({"weights": "a.h5"}, False),
        ({"trained": "whole"}, False),
        ({"of_version": {"weights": "a.h5"}, "weights": "a.h5", "seed": 1}, True),
        ({"of_version": {"weights": "a.h5"}}, False),
    ],
)
def test_which_model_a_run_may_begin_from(
    federation: Federation, changes: dict[str, Any], expected: bool
) -> None:
    federation.study(plan=PLAN)
    with federation.services.database.read() as session:
        sha256 = federation.get("/studies/skin")["current"]["weights"]
        version = versions.with_weights(session, sha256)
    choice = ModelChoice(trained="head")
    made = Plan(model=choice.model_copy(update=changes.pop("of_version", {})))
    version = versions.Version(
        **{name: getattr(version, name) for name in version.__slots__} | {"plan": made}
    )
    plan = Plan(seed=changes.pop("seed", 0), model=choice.model_copy(update=changes))
    assert may_begin_from(plan, version) is expected


def test_evaluation_and_export_take_the_whole_model(
    federation: Federation, pair: list[ChildInTest]
) -> None:
    run = whole_run(federation, pair)
    current = federation.get("/studies/skin")["current"]
    exported = federation.call("GET", f"/runs/{run}/model").get_data()
    blobs = federation.settings.state / "blobs"
    parts = [(blobs / current[part]).read_bytes() for part in ("frozen", "weights")]
    assert exported == b"".join(parts)


def test_garbage_collection_leaves_the_frozen_part(
    federation: Federation, pair: list[ChildInTest]
) -> None:
    run = whole_run(federation, pair)
    frozen = federation.get(f"/runs/{run}")["frozen"]
    services = federation.services
    later = federation.clock() + 2 * ORPHAN_SECONDS + 1e9
    collect_garbage(services.database, services.blobs, keep_rounds=0, now=later)
    assert services.blobs.has(frozen)
    for role in (federation.operator, federation.viewer):
        assert federation.call("GET", f"/weights/{frozen}", role).status_code == 200


def test_a_round_says_that_local_statistics_make_the_global_model_approximate(
    federation: Federation, pair: list[ChildInTest]
) -> None:
    # The model by hand has no BatchNorm: there is nothing to say.
    run = whole_run(federation, pair, strategy={"batch_norm": "local"})
    assert {view["note"] for view in federation.rounds(run)} == {None}
    with federation.services.database.write() as session:
        for row in session.query(SignatureRow):
            tensors = [tensor | {"role": "statistic"} for tensor in row.document["tensors"]]
            row.document = {"tensors": tensors}
    (first, _) = federation.rounds(run)
    assert "approximate" in first["note"]
    assert "approximate" in federation.get(f"/runs/{run}/evaluation")["note"]


def test_weights_are_looked_for_in_one_folder(tmp_path: Path) -> None:
    assert list(faults_of_weights(ModelChoice(), tmp_path / "none")) == []
    assert list(faults_of_weights(ModelChoice(weights="imagenet"), tmp_path / "none")) == []
    (tmp_path / "base.h5").write_bytes(b"weights")
    assert list(faults_of_weights(ModelChoice(weights="base.h5"), tmp_path)) == []
    (fault,) = faults_of_weights(ModelChoice(weights="other.h5"), tmp_path)
    assert fault.endswith("has no file 'other.h5'; it has base.h5")


def test_features_are_computed_once_and_bounded() -> None:
    computed: list[str] = []

    def features(name: str) -> np.ndarray:
        computed.append(name)
        return np.zeros(10, np.float32)

    cache = FeatureCache(most=100)
    for name in ("a", "b", "a", "c", "a", "b"):
        assert cache.of(name, lambda name=name: features(name)).nbytes == 40  # type: ignore[misc]
    # Two of 40 bytes find room: when c came, b was the one that nobody had asked for since.
    assert computed == ["a", "b", "c", "b"]
