"""What the servers show of themselves: answers that the web app and other clients read.

Times are seconds since the epoch (UTC). Figures are numbers, never formatted.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from federated.messages import Counts, Progress
from federated.plan import Plan
from federated.states import NodeState, RoundState, RunState, TaskState
from federated.statistics import WeightStatistics
from federated.study import Study
from federated.values import Message


class ReceivedModel(Message):
    """The last global model that the master sent to a node.

    Attributes:
        study: Study of the model.
        weights: SHA-256 of the weights.
        round: Round that made them; 0 for the initial model.
        http_status: Status with which the child answered; None where none came.
        detail: What went wrong, or "received global model".
        at: When.
    """

    study: str
    weights: str
    round: int
    http_status: int | None
    detail: str
    at: float


class NodeView(Message):
    """A node as the master knows it.

    Attributes:
        reachable: Whether the last contact, either way, is recent.
        received: The last model sent, by study.
        studies: Labelled pictures by study and class, as last reported.
        new_labelled: New labelled pictures by study, as last reported.
        credits: Credits granted so far.
    """

    id: str
    name: str
    state: NodeState
    url: str | None
    version: str
    joined_at: float
    last_seen: float | None
    reachable: bool
    activity: str
    studies: dict[str, Counts]
    new_labelled: dict[str, int]
    received: dict[str, ReceivedModel]
    credits: float


class CurrentModel(Message):
    """The current global model of a study.

    Attributes:
        model: Name of the architecture.
        weights: SHA-256 of its weights.
        run: Run that made it; None for the initial model.
        round: Round that made it; 0 for the initial model.
        parameters: Number of values in the weights.
        nbytes: Size of the weights on the wire.
    """

    model: str
    weights: str
    run: str | None
    round: int
    parameters: int
    nbytes: int


class StudyView(Message):
    """A study with its current model and the master's own pictures, counted.

    Attributes:
        current: None while the initial model is being built, or if that failed.
        problem: Why there is no model, if there is none and there should be.
        pictures: The master's own pictures: part (`audit`, `test`) → class → number.
    """

    study: Study
    plan: Plan
    created_at: float
    current: CurrentModel | None
    problem: str | None
    pictures: dict[str, Counts]


class TaskView(Message):
    """A task of a round, with its progress while it trains and its reason when it ended."""

    id: str
    node: str
    node_name: str
    round: int
    state: TaskState
    reason: str | None
    progress: Progress | None
    changed_at: float


class AuditView(Message):
    """The verdict on an update.

    Attributes:
        verdict: `accepted` or `rejected`.
        reasons: Sentences: what was checked and found.
        measured: Figures on the audit pictures (`loss`, `accuracy`, …); empty without any.
    """

    verdict: str
    reasons: tuple[str, ...]
    measured: dict[str, float]


class UpdateView(Message):
    """An update of a round.

    Attributes:
        status: The task's state: `accepted`, `rejected`, `late` or `submitted`.
        share: The weight that it had in the average, 0 to 1; None where it was not used.
        metrics: What the node measured: `loss`, `accuracy`, `val_loss`, `val_accuracy`, ….
        credits: What it earned.
    """

    task: str
    node: str
    node_name: str
    status: str
    num_examples: int
    num_steps: int
    metrics: dict[str, float]
    hyperparameters: dict[str, Any]
    sha256: str
    nbytes: int
    seconds: float
    audit: AuditView | None
    share: float | None
    credits: float | None


class ExcludedNode(Message):
    """A node that a round left out, and why."""

    node: str
    node_name: str
    reason: str


class RoundView(Message):
    """One round of a run.

    Attributes:
        weights_before: SHA-256 of the global weights that it started from.
        weights_after: SHA-256 of those that it made; None unless closed.
        evaluation: Headline figures on the test part of the new weights (`loss`,
            `accuracy`, `balanced_accuracy`, `auc`); None without test pictures or not yet.
    """

    run: str
    number: int
    state: RoundState
    reason: str | None
    opened_at: float
    closed_at: float | None
    deadline_at: float
    weights_before: str
    weights_after: str | None
    tasks: list[TaskView]
    updates: list[UpdateView]
    excluded: list[ExcludedNode]
    evaluation: dict[str, float | None] | None


class RunView(Message):
    """A run.

    Attributes:
        round: Number of the last round opened; 0 before the first.
        tasks: Tasks of the round under way.
        reason: Why it is in its state, where that needs saying ("waiting for pictures").
        weights: SHA-256 of its latest global weights.
    """

    id: str
    study: str
    plan: Plan
    plan_sha256: str
    state: RunState
    reason: str | None
    round: int
    created_at: float
    finished_at: float | None
    weights: str
    tasks: list[TaskView]
    evaluation: dict[str, float | None] | None


class RoundStatistics(Message):
    """Statistics of the global weights before and after a round."""

    run: str
    round: int
    before: WeightStatistics
    after: WeightStatistics | None


class LedgerEntry(Message):
    """One credit, never changed afterwards."""

    id: int
    at: float
    node: str
    node_name: str
    run: str
    round: int
    task: str
    credits: float
    reason: str


class Standing(Message):
    """A node's place on the leaderboard."""

    rank: int
    node: str
    node_name: str
    credits: float
    updates: int


class Rewards(Message):
    """The ledger and the leaderboard."""

    ledger: list[LedgerEntry]
    leaderboard: list[Standing]


class Event(Message):
    """Something that happened, as a sentence, with the facts beside it."""

    id: int
    at: float
    run: str | None
    kind: str
    text: str
    data: dict[str, Any] = Field(default_factory=dict)


class PlanView(Message):
    """A ready-made plan."""

    name: str
    title: str
    description: str
    plan: Plan


class PictureView(Message):
    """A picture of a child's store; only the child's own site ever sees one.

    Attributes:
        id: SHA-256 of its sanitised pixels.
        label: Its class; None while unlabelled.
        part: `train` or `validation` once a training has dealt it out.
        width: Pixels, as stored.
        height: Pixels, as stored.
    """

    id: str
    study: str
    label: str | None
    part: str | None
    width: int
    height: int
    added_at: float


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
        received_at: When that came.
        statistics: Of those weights.
        counts: Labelled pictures by class.
        unlabelled: Pictures without a label.
        new_labelled: Labelled pictures that no accepted round has trained on yet.
    """

    study: Study
    model: str
    weights: str | None
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


class Prediction(Message):
    """`POST /predict`: what the current global model makes of a picture.

    Attributes:
        probabilities: By class, most probable first; they sum to 1.
        uncertainty: Normalised entropy of the probabilities: 0 sure, 1 a pure guess.
        weights: SHA-256 of the model's weights.
        round: Round that made them; 0 is the initial, untrained model.
        removed: What was dropped from the file before it was looked at.
        overlay: PNG (base64) that shows where the model looked; None where not available.
    """

    study: str
    probabilities: dict[str, float]
    uncertainty: float
    weights: str
    run: str | None
    round: int
    removed: tuple[str, ...] = ()
    overlay: str | None = None


class Departure(Message):
    """One thing that left the site: numbers and hashes, never a name or a picture."""

    at: float
    method: str
    path: str
    nbytes: int
    sha256: str | None
    status: int | None


class Participation(Message):
    """`GET /participation`: whether the site takes part, and what has left it."""

    paused: bool
    departures: list[Departure]
