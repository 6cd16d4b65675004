"""What the reward policies give to honest sites, to one with flipped labels, to one with little.

Real pictures of skin lesions, the head of a frozen MobileNet, four sites through real servers:
site-1 and site-3 are honest, site-2 has every label flipped, site-4 few pictures. The audit
would turn site-2's updates away; here it lets them pass, so that the policies alone decide. The
master grants credits by Shapley; the other policies are then asked over the same stored updates.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from benchmarks.figures import Figure, Report
from federated.errors import FederationError
from federated.plan import RewardPolicy
from master.coordinator import credits
from master.coordinator.coalition_models import Bench, Claims, accuracies, claims_of
from master.evaluation import WorkerEvaluator
from master.rewards import UNIT, Coalition, merits
from master.settings import Settings
from master.state_folder import StateFolder, open_state

PROJECT = Path(__file__).resolve().parents[1]
SHARED = PROJECT.parent / "shared" / "data"
SITES = {"site-1": 500, "site-2": 400, "site-3": 300, "site-4": 60}
"""Training pictures by site; the sites' own order, the largest first, is how `by:` deals."""

FLIPPED = "site-2"
TOLD = {
    "site-1": "honest, 500 pictures",
    "site-2": "labels flipped, 400 pictures",
    "site-3": "honest, 300 pictures",
    "site-4": "honest, 60 pictures",
}
LENIENT = (
    "audit.odd_drop=1 audit.most_drop=1 audit.odd_cosine=-1 audit.least_cosine=-1 "
    "audit.mirror_deviations=1e6"
)
POLICIES: tuple[str, ...] = get_args(RewardPolicy.model_fields["policy"].annotation)


def run(quick: bool) -> Report:
    """Trains once, then shares the same rounds out by each policy."""
    rounds = 2 if quick else 5
    data = SHARED / "skin_binary"
    if not data.is_dir():
        raise FederationError(f"The pictures are not there: {data}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _deal(data, folder / "data")
        document = _train(folder, rounds)
        by_policy = {policy: _shares(folder / "state" / "master", document, policy)
                     for policy in POLICIES}  # fmt: skip
    granted = [one for one in document["credits"] if one["state"] == "granted"]
    figures = [*_figures(by_policy), *_effort(document)]
    settings = {"data": data.name, "rounds": rounds, "rounds granted": len(granted)}
    accuracy = document["evaluation"]["accuracy"]
    return Report("credits", figures, settings | {"test accuracy": round(accuracy, 3)})


def _deal(source: Path, target: Path) -> None:
    """The pictures of each site, and the test pictures in an audit and a test half."""
    rng = np.random.default_rng(1)
    pictures = [(p, p.parent.name) for p in sorted((source / "train").glob("*/*.jpg"))]
    classes = sorted({label for _, label in pictures})
    rows, order = ["file,class,site"], iter(rng.permutation(len(pictures)))
    for site, count in SITES.items():
        for _ in range(count):
            path, label = pictures[next(order)]
            if site == FLIPPED:
                label = classes[1 - classes.index(label)]
            _copy(path, target / "train" / label)
            rows.append(f"{path.name},{label},{site}")
    (target / "labels.csv").write_text("\n".join(rows) + "\n")
    for place, path in enumerate(sorted((source / "test").glob("*/*.jpg"))):
        _copy(path, target / ("audit" if place % 2 else "test") / path.parent.name)


def _copy(path: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, folder)


def _train(folder: Path, rounds: int) -> dict[str, Any]:
    """One headless training with real servers; its results."""
    out = folder / "out.json"
    options = {
        "--data": folder / "data",
        "--children": len(SITES),
        "--partition": "by:site",
        "--preset": "quick",
        "--size": 128,
        "--pretrained": SHARED / "weights",
        "--rounds": rounds,
        "--set": f"rewards.policy=shapley {LENIENT}",
        "--state": folder / "state",
        "--out": out,
    }
    words = [str(word) for pair in options.items() for word in pair]
    command = [sys.executable, "-m", "engines.processes", "train", *words]
    subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
    document: dict[str, Any] = json.loads(out.read_text())
    return document


def _shares(state: Path, document: dict[str, Any], policy: str) -> dict[str, float]:
    """Credits by site, over all rounds, had the plan had another policy."""
    settings = Settings(state)
    database, blobs = open_state(settings)
    evaluator = WorkerEvaluator(state / "logs", 1, SHARED / "weights")
    bench = Bench(blobs, StateFolder(state), evaluator)
    total: dict[str, float] = dict.fromkeys(SITES, 0.0)
    try:
        for one in document["credits"]:
            with database.read() as session:
                claims = claims_of(session, document["run"], one["round"], sys.maxsize)
            for site, amount in _shared_out(bench, claims, policy):
                total[site] += amount
    finally:
        evaluator.stop()
        database.close()
    return total


def _shared_out(bench: Bench, claims: Claims, policy: str) -> Iterator[tuple[str, float]]:
    rewards = claims.material.plan.rewards.model_copy(update={"policy": policy})
    plan = claims.material.plan.model_copy(update={"rewards": rewards})

    def value(asked: Sequence[Coalition]) -> list[float]:
        return accuracies(bench, claims, asked)

    count = len(claims.updates)
    found = merits(credits.policy_of(plan, claims.run, claims.number, count), value)
    for place, amount in credits.shares_of(rewards, found).items():
        yield claims.updates[place].node_name, amount / UNIT


def _figures(by_policy: dict[str, dict[str, float]]) -> list[Figure]:
    """For each policy, each site's part of all credits, in per cent."""
    figures = []
    for policy, shares in by_policy.items():
        everything = sum(shares.values()) or 1.0
        for site, amount in shares.items():
            name = f"{policy}_{site.replace('-', '_')}"
            part = (100 * amount / everything,)
            figures.append(Figure(name, f"{policy}: {site} ({TOLD[site]})", part, "%"))
    return figures


def _effort(document: dict[str, Any]) -> list[Figure]:
    """How many models were measured for a round's credits, how long that took, what it gave."""
    rounds = document["credits"]
    seconds = tuple(one["settled_at"] - one["created_at"] for one in rounds)
    models = tuple(float(one["models"]) for one in rounds)
    brought = defaultdict(list)
    for one in rounds:
        for update in one["updates"]:
            brought[update["node_name"]].append(100 * (update["contribution"] or 0.0))
    return [
        *(
            Figure(f"points_{site}", f"Shapley contribution of {site} a round", tuple(points), "")
            for site, points in sorted(brought.items())
        ),
        Figure("models", "models measured for a round's credits", models),
        Figure("seconds", "from a round's end to its credits", seconds, "s"),
    ]
