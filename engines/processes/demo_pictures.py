"""The demo's pictures: synthetic lesions for the master, for batches, and to try things with."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from imaging.batch_index import INDEX
from imaging.folders import Found, read_class_folders
from imaging.new_folder import new_folder
from imaging.packing import pack_batches, write_batches
from imaging.synthetic import DemoSize, write_demo_set

AUDIT, TEST = 120, 240
TO_TRY = 40
BATCHES, BATCH_TRAIN, BATCH_VALIDATION = 10, 100, 10

SEED = 20_26
"""The same pictures in every demo; what they are for is added, so that no two sets share one."""

_OWN, _BATCHED, _TRIED = 1, 2, 3


@contextmanager
def drawn(state: Path, purpose: int, size: DemoSize) -> Iterator[Path]:
    """A folder of freshly drawn pictures, gone after the block."""
    with tempfile.TemporaryDirectory(dir=state, prefix="drawing-") as folder:
        pictures = Path(folder) / "pictures"
        write_demo_set(pictures, np.random.default_rng([SEED, purpose]), size)
        yield pictures


@contextmanager
def own_pictures(state: Path) -> Iterator[dict[str, list[Found]]]:
    """The master's own pictures by part, `audit` and `test`; gone after the block."""
    with drawn(state, _OWN, DemoSize(train=0, audit=AUDIT, test=TEST)) as folder:
        yield {part: list(read_class_folders(folder / part)) for part in ("audit", "test")}


def batches_folder(state: Path) -> Path:
    """Where the demo's batches lie, or will lie once they are packed."""
    return state / "batches"


def batches_are_packed(state: Path) -> bool:
    """Whether `pack_demo_batches` has finished once."""
    return (batches_folder(state) / INDEX).is_file()


def pack_demo_batches(state: Path) -> None:
    """Packs the demo's batches into `<state>/batches`, all of them or nothing."""
    count = BATCHES * (BATCH_TRAIN + BATCH_VALIDATION)
    with drawn(state, _BATCHED, DemoSize(train=count, audit=0, test=0)) as folder:
        pictures = read_class_folders(folder / "train")
        rng = np.random.default_rng([SEED, _BATCHED])
        packed = pack_batches(pictures, BATCHES, BATCH_TRAIN, BATCH_VALIDATION, rng)
        write_batches(batches_folder(state), packed)


def write_pictures_to_try(state: Path, sites: Sequence[str]) -> Path:
    """Writes `<state>/pictures-to-try/SITE/CLASS_0001.jpg`: other pictures for each site.

    Does nothing where the folder is there already.
    """
    folder = state / "pictures-to-try"
    if folder.exists():
        return folder
    with new_folder(folder) as unfinished:
        for number, site in enumerate(sites):
            size = DemoSize(train=TO_TRY, audit=0, test=0)
            with drawn(state, _TRIED + number, size) as pictures:
                (unfinished / site).mkdir(parents=True)
                for found in read_class_folders(pictures / "train"):
                    found.path.rename(unfinished / site / found.path.name)
    return folder
