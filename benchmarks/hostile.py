"""Three of ten nodes attack: what robust strategies and the audit make of it.

Nodes send real updates over HTTP to a real master, which measures them on 200 lesions of its own.
All train the head of a frozen MobileNet on real lesions, dealt out unlike (Dirichlet 1.0, anew for
each seed); the hostile ones are honest in the first round, and attack in each of the following.
Beside each strategy stands the same without the three. The thresholds of the audit are its
defaults, chosen on other seeds. Needs the folder `shared/data`.
"""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from benchmarks.figures import Figure, Report
from benchmarks.hostile_sites.federation import Cast, Outcome, outcome, prepare, served
from benchmarks.hostile_sites.site import KINDS, Pictures
from benchmarks.odd_sites.features import SIZE, WEIGHTS, made
from benchmarks.odd_sites.heads import Recipe
from engines.processes.client import Master
from engines.processes.report import table
from federated.errors import NotFound
from federated.partition import partitioner
from federated.plan import Plan
from federated.study import Study
from imaging.folders import Found, read_class_folders

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
DATA = SHARED / "skin_binary"
PARTITION = "dirichlet:1.0"
NODES, HOSTILE = 10, 3
LEAST = 20
"""Pictures of the smallest node: of them the default of `privacy.min_examples` trains."""

ROUNDS = 6
QUICK_SEED, SEEDS = 100, (111, 112, 113)
AUDIT = 200
RECIPE = Recipe(hidden=0, epochs=2, adam=True, rate=3e-3, batch=16)
"""On a fifth of the training pictures, 0.003 was as good as 0.001, and better than 0.01."""

GOAL = 0.03

STRATEGIES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "fedavg": {},
        "median": {},
        "trimmed_mean": {"beta": 0.3},
        # Krum takes 2f + 3 updates: f = 3 would need 9, and the audit may leave 7.
        "multi_krum": {"f": 2},
        "geometric_median": {},
    }
)
"""Strategies with their settings; the first is no robust one."""

ALWAYS_REFUSED = ("zero", "replay", "copy")
"""Attacks that no plan lets pass: there is no run of them without the audit."""

LENIENT: Mapping[str, Any] = MappingProxyType(
    {
        "compare_from": 100_000,
        "odd_factor": 1e6,
        "norm_factor": 1e6,
        "odd_cosine": -1.0,
        "least_cosine": -1.0,
        "odd_drop": 1.0,
        "most_drop": 1.0,
        "mirror_deviations": 1e6,
    }
)
"""An audit that looks at form alone."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of the table; `attack` is None for the run without the hostile nodes."""

    strategy: str
    attack: str | None
    audited: bool
    seed: int

    @property
    def title(self) -> str:
        """The run in a few words."""
        audit = "audit" if self.audited else "no audit"
        return f"seed {self.seed}, {self.strategy}, {self.attack or 'none hostile'}, {audit}"


Outcomes = Mapping[Cell, Outcome]


def run(quick: bool) -> Report:
    """Runs each strategy under each attack for each seed.

    Raises:
        NotFound: The real pictures are not here.
    """
    if not DATA.is_dir():
        raise NotFound("There are no lesions of real hospitals here", expected="shared/data")
    rounds = 3 if quick else ROUNDS
    cells = list(_quick_cells() if quick else _cells())
    with tempfile.TemporaryDirectory() as name:
        found = dict(_outcomes(Path(name), cells, rounds))
    seeds = sorted({cell.seed for cell in found})
    settings = {
        "data": DATA.name,
        "nodes": f"{NODES}, {HOSTILE} of them hostile",
        "partition": PARTITION,
        "rounds": rounds,
        "local": RECIPE.words,
        "seeds": seeds,
    }
    layout = "\n\n".join([_accuracies(found), _verdicts(found), *_problems(found)])
    return Report("hostile", list(_figures(found)), settings, layout)


def _cells() -> Iterator[Cell]:
    for seed in SEEDS:
        for attack in (None, *KINDS):
            yield from (Cell(strategy, attack, True, seed) for strategy in STRATEGIES)
        for attack in KINDS:
            if attack not in ALWAYS_REFUSED:
                yield from (Cell(strategy, attack, False, seed) for strategy in STRATEGIES)


def _quick_cells() -> Iterator[Cell]:
    for strategy in ("fedavg", "median"):
        yield Cell(strategy, None, True, QUICK_SEED)
        yield Cell(strategy, "scaled", True, QUICK_SEED)
        yield Cell(strategy, "scaled", False, QUICK_SEED)


def _outcomes(folder: Path, cells: Sequence[Cell], rounds: int) -> Iterator[tuple[Cell, Outcome]]:
    features = made(DATA, folder / "features.npz")
    parts = _masters_part()
    classes = tuple(sorted({one.label for one in parts["test"]}))
    prepared: set[str] = set()
    with served(folder / "state", SHARED / "weights") as master:
        for cell in cells:
            study = Study(id=_study(cell), name="Hostile nodes", classes=classes, size=SIZE)
            if study.id not in prepared:
                prepare(master, study, _plan(cells[0], rounds), parts)
                prepared.add(study.id)
            found = _one(master, study, features, cell, rounds)
            print(f"{cell.title}: {_words(found)}", file=sys.stderr, flush=True)
            yield cell, found


def _study(cell: Cell) -> str:
    """The study of a run: in the same one, two of equal seed would be full of copies."""
    return "-".join((cell.strategy, cell.attack or "none", "audit" if cell.audited else "lenient"))


def _masters_part() -> dict[str, list[Found]]:
    """The test pictures in two: those that audit, and those that judge and nobody goes by."""
    found = list(read_class_folders(DATA / "test"))
    order = np.random.default_rng(QUICK_SEED).permutation(len(found))
    return {
        "audit": [found[row] for row in order[:AUDIT]],
        "test": [found[row] for row in order[AUDIT:]],
    }


def _one(
    master: Master, study: Study, features: Mapping[str, np.ndarray], cell: Cell, rounds: int
) -> Outcome:
    rng = np.random.default_rng(cell.seed)
    x, y = features["train_x"], features["train_y"]
    dealt = partitioner(PARTITION)(y, NODES, rng, least=LEAST)
    held = [Pictures(x[list(rows)], y[list(rows)]) for rows in dealt]
    hostile = held[NODES - HOSTILE :] if cell.attack else []
    cast = Cast(held[: NODES - HOSTILE], hostile, cell.attack, RECIPE, cell.seed)
    return outcome(master, study, _plan(cell, rounds), cast)


def _plan(cell: Cell, rounds: int) -> Plan:
    return Plan.model_validate(
        {
            "rounds": rounds,
            "quorum": 1,
            # Else each run would go on from what the last one has come to.
            "publish": False,
            "seed": cell.seed,
            "model": {"name": "mobilenet", "trained": "features", "weights": WEIGHTS},
            "training": {
                "epochs": RECIPE.epochs,
                "batch_size": RECIPE.batch,
                "optimizer": "adam" if RECIPE.adam else "sgd",
                "learning_rate": RECIPE.rate,
            },
            "strategy": {"name": cell.strategy, "settings": dict(STRATEGIES[cell.strategy])},
            "audit": {} if cell.audited else dict(LENIENT),
            "rewards": {"pool": 0},
        }
    )


def _words(found: Outcome) -> str:
    figures = ", ".join(f"{name} {value:.3f}" for name, value in found.figures.items())
    told = f"{figures}; caught {found.caught}/{found.attacks}, wronged {found.wronged}"
    return f"{told}/{found.honest} {found.problem}".strip()


def _values(found: Outcomes, strategy: str, attack: str | None, audited: bool) -> list[float]:
    """Accuracies, by seed; 0 where a run had not one round."""
    return [
        one.figures.get("accuracy", 0.0)
        for cell, one in found.items()
        if (cell.strategy, cell.attack, cell.audited) == (strategy, attack, audited)
    ]


def _accuracies(found: Outcomes) -> str:
    """Mean accuracy, and beside it how far below the run without the hostile nodes it lies."""
    attacks = [kind for kind in KINDS if any(cell.attack == kind for cell in found)]
    rows = []
    for strategy in dict.fromkeys(cell.strategy for cell in found):
        base = _values(found, strategy, None, True)
        for audited in (True, False):
            cells = (_against(_values(found, strategy, kind, audited), base) for kind in attacks)
            alone = f"{np.mean(base):.3f}" if audited else ""
            rows.append((strategy, "audit" if audited else "none", alone, *cells))
    return table(("strategy", "with", "none hostile", *attacks), rows)


def _against(values: Sequence[float], base: Sequence[float]) -> str:
    if not values:
        return "refused"
    loss = float(np.mean(values) - np.mean(base[: len(values)]))
    mark = "" if loss >= -GOAL else " !"
    return f"{np.mean(values):.3f} ({loss:+.3f}){mark}"


def _verdicts(found: Outcomes) -> str:
    """What the audit caught, by attack, and what it held against honest nodes."""
    counts: defaultdict[tuple[str, bool], np.ndarray] = defaultdict(lambda: np.zeros(4, int))
    for cell, one in found.items():
        told = (one.caught, one.attacks, one.wronged, one.honest)
        counts[cell.attack or "none hostile", cell.audited] += told
    rows = [
        (kind, "audit" if audited else "none", f"{a} of {b}", f"{c} of {d}")
        for (kind, audited), (a, b, c, d) in counts.items()
    ]
    return table(("attack", "with", "attacks rejected", "honest rejected"), rows)


def _problems(found: Outcomes) -> list[str]:
    told = [f"{cell.title}: {one.problem}" for cell, one in found.items() if one.problem]
    return ["\n".join(told)] if told else []


def _figures(found: Outcomes) -> Iterator[Figure]:
    for strategy, attack, audited in dict.fromkeys(
        (cell.strategy, cell.attack, cell.audited) for cell in found
    ):
        values = tuple(_values(found, strategy, attack, audited))
        words = (strategy, attack or "none", "audit" if audited else "no_audit")
        yield Figure("_".join(words), ", ".join(words), values)
