"""Averaging many updates: time against reading the same bytes once, and peak memory.

Each measurement runs in a process of its own, because a process's peak memory only grows.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, Report, ratio
from federated.signature import signature_of
from federated.strategies import Contribution, RoundFacts
from federated.strategies.fedavg import fedavg
from federated.wire import UpdateDocument, UpdateReader, encode_update
from serving.blobs import BlobStore, StoredTensors, open_blob

SHAPES = {"conv1/kernel": (3, 3, 3, 64), "hidden/kernel": (1700, 1024), "hidden/bias": (1024,)}
NUMBERS = (2, 20, 200)


def run(quick: bool) -> Report:
    """Writes updates of 7 MB once and averages the first 2, 20 and 200 of them."""
    repetitions = 2 if quick else 5
    numbers = NUMBERS[:2] if quick else NUMBERS
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        write_updates(Path(folder), max(numbers))
        for number in numbers:
            runs = [_in_own_process(Path(folder), number) for _ in range(repetitions)]
            ours = Figure(f"seconds_{number}", f"averaging {number}", _column(runs, "seconds"), "s")
            read = Figure(f"read_{number}", f"reading {number} once", _column(runs, "read"), "s")
            figures += [ours, read, ratio(f"ratio_{number}", "  ratio", ours, read)]
            memory = _column(runs, "megabytes")
            figures.append(Figure(f"memory_{number}", "  memory above start", memory, "MB"))
    settings = {"megabytes_per_update": round(_template_bytes() / 1e6, 1), "runs": repetitions}
    return Report("aggregation", figures, settings)


def write_updates(folder: Path, number: int) -> None:
    """Blobs of `number` different updates, with a list of their names."""
    store = BlobStore(folder)
    rng = np.random.default_rng(7)
    names = []
    for index in range(number):
        weights = {
            name: rng.standard_normal(shape).astype(np.float32) for name, shape in SHAPES.items()
        }
        document = UpdateDocument(
            task=f"t{index}", base="0" * 64, num_examples=index + 1, num_steps=1
        )
        names.append(store.put(encode_update(weights, document)))
    (folder / "names.json").write_text(json.dumps(names))


def measure(folder: Path, number: int) -> dict[str, float]:
    """Averages the first `number` updates and reads their bytes once, in this process."""
    store = BlobStore(folder)
    names = json.loads((folder / "names.json").read_text())[:number]
    paths = [store.path(name) for name in names]
    started = time.perf_counter()
    for path in paths:
        _read_once(path)
    read = time.perf_counter() - started
    before = _peak()
    started = time.perf_counter()
    fedavg(_facts(paths))
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "read": read, "megabytes": (_peak() - before) / 1e6}


def _facts(paths: list[Path]) -> RoundFacts:
    template = {name: np.zeros(shape, np.float32) for name, shape in SHAPES.items()}
    first = StoredTensors(paths[0])
    contributions = []
    for index, path in enumerate(paths):
        document = UpdateDocument(
            task=f"t{index}", base="0" * 64, num_examples=index + 1, num_steps=1
        )
        with open_blob(path) as blob:
            blob.metadata()
        reader = UpdateReader(StoredTensors(path), document, first)
        contributions.append(Contribution(f"node-{index:04}", index + 1, 1, reader))
    return RoundFacts(1, signature_of(template), first, tuple(contributions))


def _read_once(path: Path) -> None:
    with path.open("rb", buffering=0) as file:
        buffer = bytearray(1 << 20)
        while file.readinto(buffer):
            pass


def _peak() -> float:
    """Peak resident memory of this process in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # getrusage would also count what the parent held when it started this process.
        line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
        return float(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak) * (1 if sys.platform == "darwin" else 1024)


def _in_own_process(folder: Path, number: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.aggregation", str(folder), str(number)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result: dict[str, float] = json.loads(output)
    return result


def _column(runs: list[dict[str, float]], name: str) -> tuple[float, ...]:
    return tuple(run[name] for run in runs)


def _template_bytes() -> int:
    return sum(4 * int(np.prod(shape)) for shape in SHAPES.values())


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]))))
