"""`python -m benchmarks NAME [--quick] [--json FILE]`; without a name, the list."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.figures import Report
from federated.errors import FederationError

BENCHMARKS = {
    "round_overhead": "a federated run against plain Keras on the same work; an empty round",
    "accuracy": "a federated run against the same epochs done centrally, on real pictures",
    "other_hospitals": "what recipes for lesions are worth at home, under other cameras, elsewhere",
    "reproducibility": "two runs with one seed: the same weights, and what determinism costs",
    "swarm": "50, 100 and 200 nodes that pull from one master: how long a task waits, the cost",
    "memory": "a child that trains on 100,000 pictures: the memory of its processes",
    "backends": "the same trainings on TensorFlow, JAX and PyTorch, those that are installed",
    "measures": "a report without and with intervals, against scikit-learn in a loop",
    "augmentation": "what flips, turns, colours and resampling cost a training step",
    "credits": "what each reward policy gives honest sites, one with flipped labels, a small one",
    "audit": "verdicts on honest sites with odd pictures, and on dishonest ones, over many seeds",
    "explore": "a search for hyperparameters against the plan's own and a random search",
    "strategies": "every strategy on the same real pictures, as often seen; together and alone",
    "hostile": "robust strategies and the audit against 3 of 10 nodes that send what they like",
    "classify": "one picture at a warm child, against the bare model call and the sanitising",
    "console": "the operator's pages, 50 sites and 200 rounds behind them: time, calls",
    "aggregate": "every strategy on 1,000 updates, against reading their bytes once; memory",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one benchmark and prints its table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="\n".join(f"{name}: {shows}" for name, shows in BENCHMARKS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="?", choices=sorted(BENCHMARKS), help="which one to run")
    parser.add_argument("--quick", action="store_true", help="end within a minute")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    options = parser.parse_args(arguments)
    if options.name is None:
        parser.print_help()
        return 0
    try:
        # Each lives in a module of its own, imported when asked for: some need TensorFlow.
        run: Callable[[bool], Report] = importlib.import_module(f"benchmarks.{options.name}").run
        report = run(options.quick)
    except FederationError as error:
        print(f"{options.name}: {error.detail}", file=sys.stderr)
        return 1
    print(report.table())
    if options.json is not None:
        report.write(options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
