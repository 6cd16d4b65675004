"""What the server asks of its worker processes, and what they answer."""

from __future__ import annotations

from pathlib import Path

from federated.messages import Task
from federated.plan import ModelChoice
from federated.study import Study
from federated.training import Training
from federated.uncertainty import Calibration, Sureness
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
        explain: Whether to tell where the model looked.
        layer: The layer to look at; None for the last one that finds something.
        array: The array file of the study's pictures.
        validation: Pictures of it that the model was not trained on, by which its
            probabilities are put right.
    """

    study: Study
    model: ModelChoice
    sha256: Sha256
    weights: Path
    pixels: str
    explain: bool = True
    layer: str | None = None
    array: Path
    validation: Examples = Examples()


class ExplanationResult(Message):
    """Where the model looked.

    Attributes:
        target: Index of the class whose evidence is shown.
        layers: Every layer that can be asked for.
        overlay: PNG, base64.
    """

    method: str
    target: int
    layer: str | None
    layers: tuple[str, ...]
    grid: tuple[int, int]
    found: bool
    overlay: str


class PredictionResult(Message):
    """Probabilities in the order of the study's classes, and how far they can be relied on.

    Attributes:
        raw: As the model gave them.
        probabilities: Calibrated.
        explanation: None where it was not asked for, or cannot be had.
        known_layers: Where there is no such layer as was asked for: those that there are.
    """

    raw: tuple[float, ...]
    probabilities: tuple[float, ...]
    calibration: Calibration
    sureness: Sureness | None = None
    sureness_missing: str | None = None
    explanation: ExplanationResult | None = None
    explanation_missing: str | None = None
    known_layers: tuple[str, ...] | None = None
