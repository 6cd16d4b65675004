"""FedNova at the master: steps and settings come to the strategy with the updates."""

from __future__ import annotations

import pytest

from federated.strategies.fednova import accumulated
from tests.master.federation import Federation, trained


def test_each_update_counts_by_its_steps_under_the_plans_momentum_and_pull(
    federation: Federation,
) -> None:
    federation.study()
    a, b = federation.site("clinic-a"), federation.site("clinic-b")
    training = {
        "epochs": 2,
        "batch_size": 4,
        "optimizer": "sgd",
        "learning_rate": 0.1,
        "momentum": 0.8,
        "proximal": 2.0,
    }
    run = federation.run(
        rounds=1, privacy={"min_examples": 5}, strategy={"name": "fednova"}, training=training
    )
    federation.deliver(a, trained(a, 1.0, num_examples=5, num_steps=4))
    # Of 16 examples in batches of 4, two epochs are 8 steps: more are not believed.
    federation.deliver(b, trained(b, 3.0, num_examples=16, num_steps=500))
    updates = federation.last_round(run)["updates"]
    shares = {update["node_name"]: update["share"] for update in updates}
    parts = {
        "clinic-a": 5 / accumulated(4, momentum=0.8, pull=0.2),
        "clinic-b": 16 / accumulated(8, momentum=0.8, pull=0.2),
    }
    total = sum(parts.values())
    assert shares == pytest.approx({name: part / total for name, part in parts.items()})
    assert shares["clinic-b"] < 16 / 21
