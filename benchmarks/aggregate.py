"""Every strategy on many updates: time against reading the same bytes once, and peak memory.

Each strategy runs in a process of its own, because a process's peak memory only grows. There the
bytes are read and aggregated in turn, so that slow minutes meet both. Time is that of the
processor, for other programs may be running; where the machine is idle, it is the time that passes.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, Report, ratio
from federated.plan import Setting
from federated.signature import signature_of
from federated.strategies import RULES, Contribution, RoundFacts, strategy
from federated.wire import UpdateDocument, UpdateReader, encode_update
from serving.blobs import BlobStore, StoredTensors

SHAPES = {"conv1/kernel": (3, 3, 3, 64), "hidden/kernel": (1700, 1024), "hidden/bias": (1024,)}
NUMBER, FEW = 1000, 40
TIMES, ENOUGH = 5, 30.0
"""How often a strategy runs at most, and the seconds after which it does not run once more."""

LINKED = "linked"
"""Folder of the updates: names that lead to the blobs, several to one where there is no room."""


class Controls:
    """Control variates, as SCAFFOLD needs them: here the weights over again."""

    def __init__(self, weights: StoredTensors) -> None:
        self._weights = weights

    def keys(self) -> list[str]:
        """Names of the tensors."""
        return [f"control/{name}" for name in self._weights.keys()]  # noqa: SIM118

    def get_tensor(self, name: str) -> np.ndarray:
        """One tensor."""
        return self._weights.get_tensor(name.removeprefix("control/"))


def run(quick: bool) -> Report:
    """Writes updates of 7 MB once, and aggregates all of them by each strategy."""
    number = FEW if quick else NUMBER
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        distinct = write_updates(Path(folder), number)
        for name in RULES:
            found = _in_own_process(Path(folder), number, name)
            ours = Figure(f"{name}_seconds", name, tuple(found["seconds"]), "s")
            read = Figure(f"{name}_read", "  reading once", tuple(found["read"]), "s")
            figures += [ours, read, ratio(f"{name}_ratio", "  ratio", ours, read)]
            memory = tuple(found["megabytes"])
            figures.append(Figure(f"{name}_memory", "  memory above start", memory, "MB"))
            print(f"{name} is done", file=sys.stderr, flush=True)
    settings = {
        "updates": number,
        "distinct": distinct,
        "megabytes_per_update": round(_nbytes() / 1e6, 1),
    }
    return Report("aggregate", figures, settings)


def write_updates(folder: Path, number: int) -> int:
    """Writes updates, and links so many names to them; returns how many are distinct.

    That is all of them, unless the disk or the page cache would be filled by more than a quarter.
    """
    room = min(shutil.disk_usage(folder).free, _available()) // (4 * _nbytes())
    distinct = max(1, min(number, room))
    store, rng = BlobStore(folder / "blobs"), np.random.default_rng(7)
    names = [store.put(encode_update(_weights(rng), _document(n))) for n in range(distinct)]
    (folder / LINKED).mkdir()
    for index in range(number):
        os.link(store.path(names[index % distinct]), folder / LINKED / f"{index:05}")
    return distinct


def measure(folder: Path, number: int, name: str) -> dict[str, list[float]]:
    """Reads the updates' bytes once and aggregates them, in turn, in this process."""
    paths = sorted((folder / LINKED).iterdir())[:number]
    facts, aggregate = _facts(paths, name), strategy(name)
    before = _peak()
    read: list[float] = []
    seconds: list[float] = []
    while len(seconds) < TIMES and sum(seconds) < ENOUGH:
        read.append(_seconds(lambda: _read_all(paths)))
        seconds.append(_seconds(lambda: aggregate(facts)))
    return {"seconds": seconds, "read": read, "megabytes": [(_peak() - before) / 1e6]}


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _facts(paths: Sequence[Path], name: str) -> RoundFacts:
    template = {name: np.zeros(shape, np.float32) for name, shape in SHAPES.items()}
    first = StoredTensors(paths[0])
    contributions = []
    for index, path in enumerate(paths):
        tensors = StoredTensors(path)
        contributions.append(
            Contribution(
                node=f"node-{index:05}",
                num_examples=index + 1,
                num_steps=index % 7 + 1,
                weights=UpdateReader(tensors, _document(index), first),
                score=index / len(paths),
                extra=Controls(tensors),
            )
        )
    facts = (1, signature_of(template), first, tuple(contributions))
    return RoundFacts(*facts, settings=_settings(name, len(paths)))


def _settings(name: str, number: int) -> dict[str, Setting]:
    """A tenth of the updates may be hostile; a tenth are the best."""
    if name in ("krum", "multi_krum", "bulyan"):
        return {"f": number // 10}
    return {"k": number // 10} if name == "best_k" else {}


def _weights(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {name: rng.random(shape, np.float32) - 0.5 for name, shape in SHAPES.items()}


def _document(index: int) -> UpdateDocument:
    return UpdateDocument(task=f"t{index}", base="0" * 64, num_examples=index + 1, num_steps=1)


def _read_all(paths: Sequence[Path]) -> None:
    buffer = bytearray(1 << 20)
    for path in paths:
        with path.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass


def _available() -> int:
    """Memory that could still be used, in bytes; as much as one could wish where nobody says."""
    table = Path("/proc/meminfo")
    if not table.exists():
        return 1 << 62
    line = next(row for row in table.read_text().splitlines() if row.startswith("MemAvailable"))
    return int(line.split()[1]) * 1024


def _peak() -> float:
    """Peak resident memory of this process in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # getrusage would also count what the parent held when it started this process.
        line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
        return float(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak) * (1 if sys.platform == "darwin" else 1024)


def _in_own_process(folder: Path, number: int, name: str) -> dict[str, list[float]]:
    command = [sys.executable, "-m", "benchmarks.aggregate", str(folder), str(number), name]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result: dict[str, list[float]] = json.loads(output)
    return result


def _nbytes() -> int:
    return sum(4 * int(np.prod(shape)) for shape in SHAPES.values())


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])))
