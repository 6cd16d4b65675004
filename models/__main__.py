"""`python -m models`: the zoo as a list, with sizes and measured speed.

Speed is that of training in this process on one thread, after compiling: pictures a second over
whole steps of the plan's default optimiser, the best of a few rounds, for other work on the
machine only ever takes away.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

import numpy as np

from federated.plan import ModelChoice
from federated.study import Study
from models import runtime
from models.architecture import Architecture
from models.catalogue import catalogue

CLASSES = ("benign", "malignant")
BATCH = 16
ROUNDS = 3


def example(architecture: Architecture, size: int) -> Study:
    """A study of two classes, of pictures of `size` or the nearest that the architecture takes."""
    fitting = min(max(size, architecture.smallest), architecture.largest)
    return Study(id="example", name="Example", classes=CLASSES, size=fitting)


def describe(
    architecture: Architecture, size: int = 96, clock: Callable[[], float] | None = None
) -> Iterator[str]:
    """The lines on one architecture; builds it, so Keras must be configured.

    Args:
        architecture: One of the catalogue.
        size: Picture size in pixels; where it is not taken, the nearest.
        clock: Measures the training speed, in seconds; None measures nothing.
    """
    study = example(architecture, size)
    yield f"{architecture.name}  {architecture.summary}"
    if architecture.name == "own":
        yield "    as large as the model that is given"
    else:
        yield _sizes(architecture, study)
        if clock is not None:
            rate = pictures_a_second(study, ModelChoice(name=architecture.name), clock)
            yield f"    {rate:,.0f} pictures a second in training, on one thread of this machine"
    for setting in architecture.settings:
        yield f"    {setting.name} = {setting.default!r} ({setting.allowed}): {setting.help}"


def _sizes(architecture: Architecture, study: Study) -> str:
    from models.named import build_model

    whole = build_model(study, ModelChoice(name=architecture.name), seed=0).signature
    cut = build_model(study, ModelChoice(name=architecture.name, trained="head"), seed=0)
    frozen = 0 if cut.frozen is None else cut.frozen.nbytes
    return (
        f"    {whole.count:,} parameters; a round carries {whole.nbytes:,} bytes, or "
        f"{cut.signature.nbytes:,} where only the head is trained, and {frozen:,} once "
        f"(two classes, {study.size} × {study.size} × {study.channels})"
    )


def pictures_a_second(study: Study, choice: ModelChoice, clock: Callable[[], float]) -> float:
    """Pictures that one training process takes in a second, compiling left out.

    Args:
        study: Gives the pictures' shape.
        choice: The model.
        clock: Seconds since some time.
    """
    from federated.training import Training
    from models.fit import fit
    from models.named import build_model

    model = build_model(study, choice, seed=0)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2 * BATCH, *study.picture_shape), np.uint8)
    labels = np.arange(2 * BATCH) % len(CLASSES)
    training = Training(epochs=1, batch_size=BATCH)
    fit(model, images[:1], labels[:1], training, seed=0)
    best = 0.0
    for _ in range(ROUNDS):
        start = clock()
        fit(model, images, labels, training, seed=0)
        best = max(best, len(images) / (clock() - start))
    return best


def main() -> None:
    """Prints every architecture of the zoo, or those that are named."""
    parser = argparse.ArgumentParser(prog="python -m models", description=__doc__)
    parser.add_argument("name", nargs="*", help="only these; default: all")
    parser.add_argument("--size", type=int, default=96, help="picture size in pixels; default: 96")
    parser.add_argument("--no-speed", action="store_true", help="measure no training speed")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.name) - set(catalogue())):
        parser.error(f"there is no such model as {', '.join(unknown)}; there are {[*catalogue()]}")
    runtime.configure(threads=1, deterministic=False)
    _print(
        arguments.name or [*catalogue()],
        arguments.size,
        None if arguments.no_speed else time.perf_counter,
    )


def _print(names: list[str], size: int, clock: Callable[[], float] | None) -> None:
    from tqdm import tqdm

    # On stderr and only on a terminal, so that the list can be piped.
    for name in (bar := tqdm(names, disable=None, leave=False)):
        bar.set_description(name)
        tqdm.write("\n".join(describe(catalogue()[name], size, clock)))


if __name__ == "__main__":
    main()
