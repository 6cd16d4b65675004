"""What every server of the sample federation speaks of."""

from __future__ import annotations

import numpy as np

from federated.plan import Plan, Privacy
from federated.statistics import WeightStatistics, statistics
from federated.study import Study

NOW = 1_800_000_000.0
STUDY = Study(id="skin", name="Skin lesions", classes=("benign", "malignant"), size=96)
PLAN = Plan(privacy=Privacy(min_examples=1), rounds=2)
HASHES = ["a1" * 32, "b2" * 32, "c3" * 32]
RUN = "run-0001"


def weights(seed: int) -> WeightStatistics:
    rng = np.random.default_rng(seed)
    kernel, bias = rng.normal(0, 0.05, 4000), rng.normal(0.01, 0.02, 32)
    whole = np.concatenate([kernel, bias])
    tensors = {"conv1/kernel": statistics(kernel), "conv1/bias": statistics(bias)}
    return WeightStatistics(all=statistics(whole), tensors=tensors)
