"""Ten federated rounds of one epoch against the same ten epochs with all pictures together.

Real pictures if the folder `shared/data` lies beside the project, else drawn ones. Each seed
has its own initial weights, split and order; the central side has the very same training
pictures and initial weights, in plain Keras.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.dataset import draw_dataset
from benchmarks.figures import Figure, Report
from benchmarks.setting import plain_workers, servers, setting, timed_run
from engines.processes.servers import cores
from federated.plan import Plan
from federated.training import Training

REAL_PICTURES = Path(__file__).resolve().parents[2] / "shared" / "data" / "skin_binary"
SIZE = 96


def run(quick: bool) -> Report:
    """Trains both ways for each seed and compares the areas under the ROC curve."""
    rounds, seeds = (2, (1,)) if quick else (10, (1, 2, 3, 4, 5))
    federated: list[float] = []
    central: list[float] = []
    for seed in seeds:
        plan = Plan(rounds=rounds, training=Training(epochs=1), seed=seed)
        with tempfile.TemporaryDirectory() as name:
            federated_auc, central_auc = _both(Path(name), plan)
        federated.append(federated_auc)
        central.append(central_auc)
    ours = Figure("federated_auc", "federated, 2 children", tuple(federated))
    theirs = Figure("central_auc", "plain Keras, all pictures together", tuple(central))
    difference = tuple(own - other for own, other in zip(federated, central, strict=True))
    figures = [ours, theirs, Figure("difference", "  difference (goal: within 0.02)", difference)]
    data = REAL_PICTURES.name if REAL_PICTURES.is_dir() else "drawn lesions"
    return Report("accuracy", figures, {"data": data, "rounds": rounds, "seeds": list(seeds)})


def _both(folder: Path, plan: Plan) -> tuple[float, float]:
    data = REAL_PICTURES
    if not data.is_dir():
        data = folder / "data"
        draw_dataset(data, {"train": 800, "test": 400}, size=SIZE, seed=plan.seed)
    measured = setting(folder, data, plan, size=SIZE)
    with servers(measured) as federation:
        _, finished = timed_run(federation, measured.study.id, plan)
        report = federation.master.evaluation(finished.id, plan.rounds)["test"]
    with plain_workers(measured, (cores(),)) as (plain,):
        answer = plain.call("together", {"epochs": plan.rounds * plan.training.epochs})
    return float(report["auc"]), float(answer["auc"])
