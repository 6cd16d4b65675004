"""A finished run to look at again, round by round: from a master, or from a small file.

A recording is a safetensors file: its metadata say what happened, its tensors are the layer that
was recorded, as each site returned it, and one public or synthetic picture.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from federated.errors import InvalidInput
from federated.values import Message, canonical_json
from federated.wire import METADATA_KEY

BEFORE, AFTER = "before", "after"
PICTURE = "picture"
LARGEST = 4 * 2**20
"""Bytes of a recording at most."""


class ReplayUpdate(Message):
    """What a site returned in a round.

    Attributes:
        node: Name of the site.
        num_examples: Pictures that it trained on.
        share: The weight that it had in the new model, 0 to 1; None where it had none.
        status: The task's state.
    """

    node: Annotated[str, Field(max_length=100)]
    num_examples: int
    share: float | None
    status: Annotated[str, Field(max_length=40)]


class ReplayRound(Message):
    """A round.

    Attributes:
        number: From 1.
        updates: In order of the sites' names.
        accuracy: Of the new model on the test pictures, 0 to 1; None where not known.
    """

    number: int
    updates: tuple[ReplayUpdate, ...]
    accuracy: float | None = None


class ReplayRun(Message):
    """A run.

    Attributes:
        model: Name of the architecture.
        strategy: Name of the averaging rule.
        classes: Of the study.
        rounds: How many closed.
        kernels: Shapes of the convolutions that can be looked at, by name: (height, width,
            inputs, filters).
    """

    format: Literal[1] = 1
    model: Annotated[str, Field(max_length=100)]
    strategy: Annotated[str, Field(max_length=100)]
    classes: tuple[str, ...] = ()
    rounds: int
    kernels: dict[str, tuple[int, int, int, int]]


class RecordedRun(ReplayRun):
    """The metadata of a recording."""

    told: tuple[ReplayRound, ...]


@dataclass(frozen=True, slots=True)
class Replay:
    """A run to look at again.

    Attributes:
        run: What it was.
        round: Gives a round by its number.
        read: Gives a tensor, by the round's number, the name of a site (or `BEFORE`, `AFTER`)
            and the tensor's name; None where it is no longer kept.
        picture: uint8 (height, width, 3), public or synthetic; None where there is none.
    """

    run: ReplayRun
    round: Callable[[int], ReplayRound]
    read: Callable[[int, str, str], np.ndarray | None]
    picture: np.ndarray | None = None


def bias_of(kernel: str) -> str:
    """The name of a convolution's bias."""
    return f"{kernel.rpartition('/')[0]}/bias"


def written(replay: Replay, kernel: str, picture: np.ndarray) -> bytes:
    """A recording of one layer of a run.

    Args:
        replay: The run.
        kernel: The layer's kernel.
        picture: uint8 (height, width, 3); public or synthetic.
    """
    rounds = tuple(replay.round(number) for number in range(1, replay.run.rounds + 1))
    tensors: dict[str, np.ndarray] = {PICTURE: np.ascontiguousarray(picture)}
    for told in rounds:
        for who in (BEFORE, AFTER, *(update.node for update in told.updates)):
            for name in (kernel, bias_of(kernel)):
                found = replay.read(told.number, who, name)
                if found is not None:
                    tensors[_key(told.number, who, name)] = found.astype(np.float32)
    facts = replay.run.model_dump() | {"kernels": {kernel: replay.run.kernels[kernel]}}
    document = RecordedRun.model_validate({**facts, "told": rounds})
    return save(tensors, metadata={METADATA_KEY: canonical_json(document.model_dump(mode="json"))})


def opened(content: bytes) -> Replay:
    """The run of a recording.

    Raises:
        InvalidInput: The file is something else.
    """
    try:
        if len(content) > LARGEST:
            raise ValueError(f"{len(content)} bytes")
        tensors = load(content)
        run = RecordedRun.model_validate_json(_metadata(content)[METADATA_KEY])
        _check(run, tensors)
    except (SafetensorError, ValidationError, ValueError, KeyError) as error:
        raise InvalidInput(
            "This file is no recording of a run",
            expected="a file that python -m webapp.lesson.record wrote",
            received=type(error).__name__,
        ) from None

    def read(number: int, who: str, name: str) -> np.ndarray | None:
        return tensors.get(_key(number, who, name))

    return Replay(run, lambda number: run.told[number - 1], read, tensors.get(PICTURE))


def _metadata(content: bytes) -> Mapping[str, str]:
    length = int.from_bytes(content[:8], "little")
    found: Mapping[str, str] = json.loads(content[8 : 8 + length])["__metadata__"]
    return found


def _check(run: RecordedRun, tensors: Mapping[str, np.ndarray]) -> None:
    if not run.kernels or not 1 <= len(run.told) == run.rounds:
        raise ValueError("nothing is told of a round, or of no kernel")
    for key, array in tensors.items():
        name = key.split(":")[-1]
        shape = run.kernels.get(name)
        if shape is not None and array.shape != tuple(shape):
            raise ValueError("a tensor is of another shape")
        if not np.isfinite(array).all():
            raise ValueError("a tensor is not finite")


def _key(number: int, who: str, name: str) -> str:
    return f"{number}:{who}:{name}"
