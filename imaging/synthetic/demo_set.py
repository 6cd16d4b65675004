"""The demo study's pictures: a folder of synthetic lesions in parts and classes."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from imaging.errors import WrongPixels
from imaging.new_folder import new_folder
from imaging.synthetic.drawing import CLASSES, draw_lesion


@dataclass(frozen=True, slots=True)
class DemoSize:
    """How many pictures of each part, all classes together, and what they are like.

    Attributes:
        train: For children, or to be packed into batches; 10 batches of 100 + 10 by default.
        audit: For the master's verdicts.
        test: For the master's reports.
        size: Height and width in pixels.
        difficulty: 0 (plain) to 1 (nearly hopeless); see `draw_lesion`.
    """

    train: int = 1100
    audit: int = 120
    test: int = 240
    size: int = 128
    difficulty: float = 0.5

    @property
    def parts(self) -> dict[str, int]:
        """Pictures by part."""
        return {"train": self.train, "audit": self.audit, "test": self.test}


def _silent(done: int, total: int) -> None:
    """A progress report for nobody."""


def write_demo_set(
    root: Path,
    rng: np.random.Generator,
    demo: DemoSize | None = None,
    on_progress: Callable[[int, int], None] = _silent,
) -> None:
    """Writes `root/{train,audit,test}/CLASS/CLASS_0001.jpg`, all of it or nothing.

    The classes are as many each, or differ by one. Each picture has a source of chance
    of its own, so that more pictures of a part leave those before them as they were.

    Args:
        root: The folder to make; it may exist if it is empty.
        rng: Source of all chance.
        demo: How many and how large.
        on_progress: Called with the pictures done and the total after each.

    Raises:
        StorageFailure: `root` holds something, or the disk refused.
        WrongPixels: `demo` asks for what cannot be drawn.
    """
    demo = demo or DemoSize()
    if min(demo.parts.values()) < 0:
        raise WrongPixels("There is no such number of pictures", expected="0 or more each")
    done, total = 0, sum(demo.parts.values())
    with new_folder(root) as unfinished:
        for (part, count), chance in zip(demo.parts.items(), rng.spawn(3), strict=True):
            for index, one in enumerate(chance.spawn(count)):
                _write_picture(unfinished / part, one, index, demo)
                done += 1
                on_progress(done, total)


def _write_picture(folder: Path, rng: np.random.Generator, index: int, demo: DemoSize) -> None:
    label = CLASSES[index % len(CLASSES)]
    path = folder / label / f"{label}_{index // len(CLASSES) + 1:04d}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_jpeg(draw_lesion(rng, label, demo.size, demo.difficulty)))


def _jpeg(pixels: npt.NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=92)
    return file.getvalue()
