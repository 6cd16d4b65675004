"""What the server asks of its worker processes, and what they answer."""

from __future__ import annotations

from pathlib import Path

from federated.messages import Task
from federated.plan import ModelChoice
from federated.study import Study
from federated.training import Training
from federated.values import Message, Sha256, canonical_json


class ModelRequest(Message):
    """A model to have ready: built, and compiled for these settings."""

    study: Study
    model: ModelChoice
    training: Training = Training()

    @property
    def key(self) -> str:
        """Equal for equal models, whatever they are trained with."""
        return canonical_json([self.study.model_dump(), self.model.model_dump()])


class Examples(Message):
    """Pictures by their rows in the array file, with their class indices."""

    rows: tuple[int, ...] = ()
    labels: tuple[int, ...] = ()


class UnpackRequest(Message):
    """A batch of public pictures to decode into an array file.

    Attributes:
        batch: The batch's file.
        sha256: Its hash, which is checked.
        train: Places in its training part; None for the whole part.
        validation: Places in its validation part; None for the whole part.
        pixels: The array file; rows are added to it.
    """

    study: Study
    batch: Path
    sha256: Sha256
    train: tuple[int, ...] | None = None
    validation: tuple[int, ...] | None = None
    pixels: Path


class Unpacked(Message):
    """Where a batch's pictures lie now.

    Attributes:
        cancelled: Whether it was stopped on request; what was added is of no use then.
    """

    train: Examples = Examples()
    validation: Examples = Examples()
    cancelled: bool = False


class TrainingRequest(Message):
    """A task with everything that it needs from this site.

    Attributes:
        weights: File of the weights to start from.
        pixels: The array file: the study's own, or one made for this task.
        train: Pictures to train on.
        validation: Pictures that judge only.
        update: File to write the update to.
    """

    task: Task
    weights: Path
    pixels: Path
    train: Examples
    validation: Examples
    update: Path


class TrainingResult(Message):
    """What a training came to.

    Attributes:
        cancelled: Whether it was stopped on request; there is no update then.
    """

    cancelled: bool = False


class PredictionRequest(Message):
    """One picture to judge.

    Attributes:
        sha256: Hash of the weights.
        weights: File of the weights.
        pixels: The picture as the model sees it, uint8 in C order, base64. It travels
            through the pipe, so that no picture is written to a temporary file.
    """

    study: Study
    model: ModelChoice
    sha256: Sha256
    weights: Path
    pixels: str


class PredictionResult(Message):
    """Probabilities in the order of the study's classes."""

    probabilities: tuple[float, ...]
