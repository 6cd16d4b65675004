"""What master and children say to each other over REST.

Messages ignore fields that they do not know, so that versions can mix for a while.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from federated.control import kept_signature
from federated.model_card import ModelCard
from federated.plan import ModelChoice, Plan
from federated.search import DROPOUT, Hyperparameters, trained_with
from federated.signature import Signature
from federated.states import NodeState
from federated.study import Study
from federated.training import Training
from federated.values import MAX_EXAMPLES, Label, Message, ServerUrl, Sha256, Slug, Version

PictureCount = Annotated[int, Field(ge=0, le=MAX_EXAMPLES)]
"""A number of pictures, small enough for every database."""

Counts = Annotated[dict[Label, PictureCount], Field(max_length=1000)]
"""Labelled pictures by class name."""

MAX_BATCH_BYTES = 512 * 2**20
"""No batch is larger."""

StepCount = Annotated[int, Field(ge=0, le=10**9)]
"""How often something was done in one task."""

MOST_MODELS = 33
"""Models that one task may ask to measure: the global one, and those of some sites."""

TaskId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""The name that the master gave a task."""


class JoinRequest(Message):
    """`POST /nodes`: a child asks to take part.

    Attributes:
        join_token: Single-use token from the operator.
        name: The site's name, unique at the master.
        url: Base address where the master reaches the child; absent: the child pulls.
        push_token: What the child will accept from the master; goes with `url`.
        version: Version of the child's software.
    """

    join_token: Annotated[str, Field(min_length=8, max_length=200)]
    name: Slug
    url: ServerUrl | None = None
    push_token: Annotated[str, Field(min_length=16, max_length=200)] | None = None
    version: Version = "unknown"


class Enrolment(Message):
    """Answer to a `JoinRequest`: the node's identity; the token is shown this once."""

    node_id: str
    token: str
    state: NodeState


class StudyCounts(Message):
    """What a site holds of one study: numbers only.

    Attributes:
        counts: Labelled pictures by class.
        new_labelled: Labelled pictures that no accepted round has trained on yet.
        weights: SHA-256 of the global model that the site holds, if any.
        frozen: SHA-256 of that model's frozen part, if it has one.
        card: Mark of that model's card at the site, empty without one; None from a site whose
            version knows of none.
    """

    counts: Counts = Field(default_factory=dict)
    new_labelled: PictureCount = 0
    weights: Sha256 | None = None
    frozen: Sha256 | None = None
    card: Annotated[str, Field(pattern=r"^[0-9a-f]{0,64}$")] | None = None


class Heartbeat(Message):
    """`POST /nodes/<id>/heartbeat`: a child lives, and holds this much.

    Attributes:
        studies: By study id.
        activity: What the child does.
        tasks: Tasks that it still works on or still has to deliver; their leases are renewed.
        url: Where the master reaches it now; a restart may have changed the port.
    """

    studies: Annotated[dict[Slug, StudyCounts], Field(max_length=1000)] = Field(
        default_factory=dict
    )
    activity: Literal["idle", "training"] = "idle"
    tasks: Annotated[tuple[TaskId, ...], Field(max_length=1000)] = ()
    version: Version = "unknown"
    url: ServerUrl | None = None


class ModelBlobs(Message):
    """The blobs that make a model's weights: what travels each round, and what is frozen.

    Attributes:
        weights: SHA-256 of the part that is trained and travels.
        signature: Its names, shapes and dtypes.
        frozen: SHA-256 of the frozen part, which is the same through a whole run and is sent
            once; None where nothing is frozen.
        frozen_signature: Names, shapes and dtypes of the frozen part; goes with `frozen`.
    """

    weights: Sha256
    signature: Signature
    frozen: Sha256 | None = None
    frozen_signature: Signature | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.frozen is None) != (self.frozen_signature is None):
            raise ValueError("frozen and frozen_signature go together")
        return self

    @property
    def blobs(self) -> dict[str, Signature]:
        """The signature of each blob by its hash, the largest part first."""
        travelling = {self.weights: self.signature}
        if self.frozen is None or self.frozen_signature is None:
            return travelling
        return {self.frozen: self.frozen_signature} | travelling


class StudyPush(ModelBlobs):
    """`PUT /studies/<id>` at a child: a study, its model, and the global weights to hold.

    Sent before the weights themselves where the child does not have them yet.

    Attributes:
        study: The classification problem.
        plan: The plan whose model the weights belong to.
        run: Run that made them; None for the initial model.
        round: Round that made them; 0 for the initial model.
    """

    study: Study
    plan: Plan
    run: str | None = None
    round: Annotated[int, Field(ge=0, le=10**9)] = 0


class HeartbeatAnswer(Message):
    """What the master makes of a heartbeat.

    Attributes:
        state: The node's state.
        interval_seconds: When to call again.
        cancelled: Of the tasks named, those that are over for the master: drop them.
        models: For a node that the master cannot call: studies whose current model it does
            not hold; it fetches the weights by their hash.
        credits: What the node has earned in all; None from an older master.
        cards: Of the models that the node holds, where it has another card or none.
    """

    state: NodeState
    interval_seconds: Annotated[float, Field(gt=0, le=3600)] = 5.0
    cancelled: tuple[str, ...] = ()
    models: tuple[StudyPush, ...] = ()
    credits: float | None = None
    cards: Annotated[tuple[ModelCard, ...], Field(max_length=100)] = ()


class StudyReceipt(Message):
    """Answer to a `StudyPush`: which blobs must still be sent.

    Attributes:
        missing_blob: Whether any must.
        missing: Their hashes.
    """

    missing_blob: bool
    missing: Annotated[tuple[Sha256, ...], Field(max_length=2)] = ()


class AssignedBatch(Message):
    """A batch of public pictures that a task is to be done on.

    Attributes:
        sha256: Its name on the batch server.
        bytes: Its size.
    """

    sha256: Sha256
    bytes: Annotated[int, Field(ge=1, le=MAX_BATCH_BYTES)]


class Task(ModelBlobs):
    """One unit of work, handed to one node by `POST /tasks` or `GET /tasks/next`.

    Attributes:
        id: The task's name; an update names it.
        kind: `train`, or `evaluate`: measure `models` on the pictures that never train here.
        run: The run it belongs to.
        study: The classification problem.
        plan: Settings of the run.
        round: The round's number, from 1.
        base_round: Round that made the weights to start from; 0 for the initial model. The
            update has the signature of the part that travels.
        seed: Seed of this task alone: shuffling and dropout.
        hyperparameters: Where the plan searches: what this task is trained with in place of the
            plan's own settings. The update tells them again.
        lease_seconds: Silence after which the master takes the task for lost.
        batch: What to train on, where the plan's data are assigned batches.
        index: SHA-256 of the index that a random set is drawn from, by the task's seed.
        models: To `evaluate`: SHA-256 of each model's weights, all of `signature`. Whose they
            are is not told.
        control: Where the strategy has control variates, and a round of the run has made some:
            SHA-256 of them.
        counted: This site's last task of the run whose update is in them, if there is one. Its
            own control variate goes on from what that task made of it: of any later one, the
            master has not taken in the change.
    """

    id: TaskId
    kind: Literal["train", "evaluate"] = "train"
    run: Annotated[str, Field(max_length=64)]
    study: Study
    plan: Plan
    round: Annotated[int, Field(ge=1, le=10**9)]
    base_round: Annotated[int, Field(ge=0, le=10**9)]
    seed: Annotated[int, Field(ge=0, lt=2**31)]
    hyperparameters: Hyperparameters | None = None
    lease_seconds: Annotated[float, Field(gt=0)] = 60.0
    batch: AssignedBatch | None = None
    index: Sha256 | None = None
    models: Annotated[tuple[Sha256, ...], Field(max_length=MOST_MODELS)] = ()
    control: Sha256 | None = None
    counted: TaskId | None = None

    @property
    def training(self) -> Training:
        """How this task trains: the plan's settings, its own in their place."""
        return trained_with(self.plan.training, self.plan.search, self.hyperparameters)

    @property
    def model(self) -> ModelChoice:
        """The model that this task trains: the plan's, with its own dropout."""
        own = self.hyperparameters
        if own is None or own.dropout is None:
            return self.plan.model
        settings = self.plan.model.settings | {DROPOUT: own.dropout}
        return self.plan.model.model_copy(update={"settings": settings})

    @property
    def blobs(self) -> dict[str, Signature]:
        """The signature of each blob by its hash: of every model that the task names."""
        named = super().blobs | dict.fromkeys(self.models, self.signature)
        return named | ({self.control: kept_signature(self.signature)} if self.control else {})


class Progress(Message):
    """`POST /tasks/<id>/progress`: how far a training is.

    Attributes:
        epoch: Epoch under way, from 1; 0 for a task that is taken and being prepared.
        epochs: Epochs that the task has.
        step: Steps done in this epoch.
        steps: Steps of an epoch.
        loss: Training loss so far, if known.
        accuracy: Training accuracy so far, if known.
        num_examples: Pictures of the training part.
        note: What is being prepared, for people: "fetching batch 3 of 10".
    """

    epoch: StepCount = 0
    epochs: StepCount = 0
    step: StepCount = 0
    steps: StepCount = 0
    loss: float | None = None
    accuracy: float | None = None
    num_examples: PictureCount | None = None
    note: Annotated[str, Field(max_length=200)] | None = None


class Failure(Message):
    """`POST /tasks/<id>/failure`: a task will not be answered, and why.

    Attributes:
        code: Machine-readable word, such as `too_few_examples` or `trainer_died`.
        detail: A sentence for people; never a file name or a trace.
    """

    code: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]
    detail: Annotated[str, Field(max_length=500)]


class UpdateReceipt(Message):
    """Answer to `PUT /tasks/<id>/update`.

    Attributes:
        state: The task's state after the update: `submitted`, `accepted`, `rejected`, `late`.
        sha256: Hash of what was received.
    """

    state: str
    sha256: Sha256
