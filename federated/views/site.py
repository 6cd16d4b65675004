"""A child, as it shows itself to its own site and to nobody else."""

from __future__ import annotations

from pydantic import Field

from federated.messages import Counts, Progress
from federated.picture_quality import PictureQuality
from federated.states import NodeState
from federated.statistics import WeightStatistics
from federated.study import Study
from federated.uncertainty import Calibration, Sureness
from federated.values import Message


class PictureView(Message):
    """A picture of a child's store; only the child's own site ever sees one.

    Attributes:
        id: SHA-256 of its sanitised pixels.
        label: Its class; None while unlabelled.
        part: `train` or `validation` once a training has dealt it out.
        width: Pixels, as stored.
        height: Pixels, as stored.
        grouped: Whether its uploader had a word for what it was taken from.
    """

    id: str
    study: str
    label: str | None
    part: str | None
    width: int
    height: int
    added_at: float
    grouped: bool = False


class UploadView(Message):
    """What the child understood of one uploaded file.

    Attributes:
        status: `stored`, `duplicate` (nothing new was stored) or `refused`.
        name: The name under which it was sent: shown to the sender, never stored.
        detail: A sentence: what was done, or the reason of a refusal.
        error: Code of a refusal.
        picture: The stored picture, for `stored` and `duplicate`.
        label_source: `given`, `file_name` or `none`.
        original: Width and height as sent, where it could be read.
        removed: What was dropped on arrival, in words.
    """

    status: str
    name: str
    detail: str
    error: str | None = None
    picture: PictureView | None = None
    label_source: str = "none"
    original: tuple[int, int] | None = None
    removed: tuple[str, ...] = ()


class ChildStudy(Message):
    """A study as a child holds it.

    Attributes:
        weights: SHA-256 of the global model at the child; None while it has none.
        frozen: SHA-256 of that model's frozen part, if it has one.
        received_at: When that came.
        statistics: Of those weights.
        counts: Labelled pictures by class.
        unlabelled: Pictures without a label.
        new_labelled: Labelled pictures that no accepted round has trained on yet.
    """

    study: Study
    model: str
    weights: str | None
    frozen: str | None = None
    run: str | None
    round: int
    received_at: float | None
    statistics: WeightStatistics | None
    counts: Counts
    unlabelled: int
    new_labelled: int


class ChildTask(Message):
    """What a child trains, or trained last."""

    id: str
    run: str
    study: str
    round: int
    state: str
    detail: str | None
    progress: Progress | None
    changed_at: float


class ChildStatus(Message):
    """`GET /status` of a child.

    Attributes:
        mode: `push` where the master reaches it, else `pull`.
        master_reachable: Whether the last call to the master went through.
        node_state: Its state at the master; None before it has enrolled.
        demo: Whether it trains with a single picture.
        storage: Where the pictures lie, in words for the clinician.
    """

    name: str
    version: str
    mode: str
    master: str
    master_reachable: bool
    last_contact: float | None
    node_state: NodeState | None
    activity: str
    task: ChildTask | None
    studies: list[ChildStudy]
    storage: str
    demo: bool = False


class Explanation(Message):
    """Where the model looked; it does not say why.

    Attributes:
        method: `grad-cam`, or `occlusion` for a model without convolutions.
        target: The class whose evidence is shown: the most probable one.
        layer: The layer that Grad-CAM looked at.
        layers: Every layer that can be asked for, in the order in which the model runs them.
        grid: Rows and columns that were told apart; the map is smooth between them.
        found: Whether anything speaks for the class there; the overlay is empty otherwise.
    """

    method: str
    target: str
    layer: str | None
    layers: tuple[str, ...]
    grid: tuple[int, int]
    found: bool


class Prediction(Message):
    """`POST /predict`: what the current global model makes of a picture.

    Attributes:
        probabilities: By class, most probable first; they sum to 1. Calibrated where
            `calibration` has a temperature.
        uncertainty: Normalised entropy of the probabilities: 0 sure, 1 a pure guess.
        weights: SHA-256 of the model's weights.
        round: Round that made them; 0 is the initial, untrained model.
        own_statistics: Whether the site has put on the BatchNorm statistics that it keeps to
            itself: its model is then another than that of other sites.
        removed: What was dropped from the file before it was looked at.
        changed: What was done to its pixels, in words: `turned upright`.
        quality: Its size, how sharp it is and how it is lit; None from an older child.
        overlay: PNG (base64, RGBA, as large as the model sees the picture) to lay over the
            picture: it shows where the model looked. None where not available.
        raw_probabilities: As the model gave them, before calibration.
        calibration: How they were put right.
        sure: Whether the most probable class reaches the threshold of `sureness`; None where
            there is none.
        sureness: From where on an answer is sure, and how often such answers are wrong.
        sureness_missing: Why there is no `sureness`, as a sentence.
        explanation: What `overlay` shows; None where it was not asked for.
        explanation_missing: Why there is no overlay, as a sentence.
    """

    study: str
    probabilities: dict[str, float]
    uncertainty: float
    weights: str
    run: str | None
    round: int
    own_statistics: bool = False
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    quality: PictureQuality | None = None
    overlay: str | None = None
    raw_probabilities: dict[str, float] = Field(default_factory=dict)
    calibration: Calibration | None = None
    sure: bool | None = None
    sureness: Sureness | None = None
    sureness_missing: str | None = None
    explanation: Explanation | None = None
    explanation_missing: str | None = None
