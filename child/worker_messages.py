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
        """Equal for equal models that compute alike, whatever else they are trained with."""
        precision = self.training.precision
        return canonical_json([self.study.model_dump(), self.model.model_dump(), precision])


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
        frozen: File of the model's frozen part, where it has one.
        own_statistics: File of BatchNorm's statistics that this site has measured in the run,
            where the plan lets it keep its own and it has trained before.
        pixels: The array file: the study's own, or one made for this task.
        features: File of what the frozen part makes of those pictures, in the same rows; it
            may be there already. None where pictures are trained on.
        train: Pictures to train on.
        validation: Pictures that judge only.
        least: How many of those there must be, or no figure of them leaves the site.
        update: File to write the update to.
        statistics: File to write BatchNorm's statistics to, where this site keeps its own.
        control: File of the server's control variates, where the task names some.
        own_control: File of this site's own, of the task that the master has counted.
        new_control: File to write what becomes of them to, where the strategy has such.
    """

    task: Task
    weights: Path
    frozen: Path | None = None
    own_statistics: Path | None = None
    pixels: Path
    features: Path | None = None
    train: Examples
    validation: Examples
    least: int
    update: Path
    statistics: Path
    control: Path | None = None
    own_control: Path | None = None
    new_control: Path


class TrainingResult(Message):
    """What a training came to.

    Attributes:
        cancelled: Whether it was stopped on request; there is no update then.
        received: Accuracy on the site's validation pictures of the model that came with the
            task. This and `trained` stay at the site; None where no picture judges.
        trained: Accuracy on them of what the training made of it.
    """

    cancelled: bool = False
    received: float | None = None
    trained: float | None = None


class EvaluationRequest(Message):
    """A task that measures models, with everything that it needs from this site.

    Attributes:
        weights: Files of the models' weights, in the task's order.
        frozen: File of the part that is frozen in all of them, where there is one.
        own_statistics: File of BatchNorm's statistics that this site has in the global model,
            where the plan lets it keep its own.
        pixels: The study's array file.
        validation: Pictures that judge only.
        least: Pictures of a class below which nothing leaves the site that tells of single
            classes.
        result: File to write the figures to, as JSON.
    """

    task: Task
    weights: tuple[Path, ...]
    frozen: Path | None = None
    own_statistics: Path | None = None
    pixels: Path
    validation: Examples
    least: int
    result: Path


class PredictionRequest(Message):
    """One picture to judge.

    Attributes:
        sha256: Names the model with all its parts: equal where their bytes are.
        weights: File of the weights.
        frozen: File of the model's frozen part, where it has one.
        own_statistics: File of BatchNorm's statistics that this site keeps to itself.
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
    frozen: Path | None = None
    own_statistics: Path | None = None
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
