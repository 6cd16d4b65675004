"""A search in a simulation: each site its own, the best goes on, and trials that fail are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from engines.simulation.errors import NotSimulated
from engines.simulation.laboratory import Laboratory
from engines.simulation.search import AuditPart
from engines.simulation.simulation import simulate
from federated.messages import Task
from federated.plan import Plan
from federated.search import TrialState
from federated.signature import signature_of
from federated.wire import UpdateDocument, encode_update, encode_weights
from serving.blobs import BlobStore, StoredTensors
from serving.worker import WorkerFailed
from tests.engines.simulation.test_simulation import SITES, STUDY

PLAN = Plan.model_validate(
    {
        "rounds": 2,
        "privacy": {"min_examples": 1},
        "strategy": {"name": "best_k", "settings": {"k": 1}},
        "search": {"space": {"learning_rate": [0.0001, 1.0]}},
    }
)

GREATEST = 0.5
"""Learning rate above which a training comes to nothing."""


class RateWorkers:
    """Trains a weight to be its learning rate; the greater, the more accurate, up to a limit."""

    def call(self, name: str, arguments: Any, on_event: Any = None) -> Any:
        if name == "initial_model":
            weights = {"w": np.zeros(1, np.float32)}
            Path(arguments["out"]).write_bytes(encode_weights(weights))
            return {"signature": signature_of(weights).model_dump(mode="json"), "frozen": None}
        if name == "accuracies":
            assert arguments["labels"] == [1, 0]
            files = [load_file(each["weights"]) for each in arguments["models"]]
            return {"accuracies": [float(tensors["w"][0]) for tensors in files]}
        task = Task.model_validate(arguments["task"])
        rate = task.training.learning_rate
        if rate > GREATEST:
            raise WorkerFailed("Training diverged", code="training_diverged")
        document = UpdateDocument(
            task=task.id,
            base=task.weights,
            num_examples=len(arguments["train"]["rows"]),
            num_steps=1,
            hyperparameters=task.hyperparameters.told if task.hyperparameters else {},
        )
        weights = {"w": np.full(1, rate, np.float32)}
        Path(arguments["update"]).write_bytes(encode_update(weights, document))
        return {}


@pytest.fixture
def laboratory(tmp_path: Path) -> Laboratory:
    return Laboratory(STUDY, tmp_path / "pixels.u8", RateWorkers(), tmp_path, tmp_path)  # type: ignore[arg-type]


def test_the_best_of_a_round_is_where_the_next_begins(
    laboratory: Laboratory, tmp_path: Path
) -> None:
    made = simulate(laboratory, PLAN, SITES, audit=AuditPart([0, 1], [1, 0]))
    assert [trial.round for trial in made.trials] == [1, 1, 1, 2, 2, 2]
    for round_ in made.rounds:
        own = [trial for trial in made.trials if trial.round == round_.number]
        best = max(trial.score for trial in own if trial.score is not None)
        weights = StoredTensors(BlobStore(tmp_path / "blobs").path(round_.weights_after))
        assert weights.get_tensor("w")[0] == pytest.approx(best)
    for trial in made.trials:
        diverged = (trial.parameters.learning_rate or 0) > GREATEST
        assert trial.state == (TrialState.FAILED if diverged else TrialState.COMPLETE)


def test_a_simulated_search_repeats(laboratory: Laboratory) -> None:
    audit = AuditPart([0, 1], [1, 0])
    once, again = (simulate(laboratory, PLAN, SITES, audit=audit).trials for _ in range(2))
    assert once == again


def test_without_audit_pictures_nothing_is_searched(laboratory: Laboratory) -> None:
    with pytest.raises(NotSimulated, match="A search goes by audit pictures"):
        simulate(laboratory, PLAN, SITES)
