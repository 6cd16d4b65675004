"""A plan: the frozen, hashed settings of a run.

Two runs under the same plan hash, over the same pictures, were asked to do the same.
Ready-made plans are TOML files in the folder `plans/`.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, StrictFloat, StrictInt, model_validator

from federated.search import Search
from federated.training import Augmentation, Training
from federated.values import BatchUrl, Slug, Value, sha256_of

Setting = (
    bool
    | Annotated[int, Field(ge=-(2**53), le=2**53)]
    | float
    | Annotated[str, Field(max_length=200)]
)
"""The value of one free setting of a model or a strategy."""


class ModelChoice(Value):
    """Which architecture, with which settings, from which weights, and which part of it learns.

    Attributes:
        name: Name of an architecture in `models/`, such as `cnn10`, or `own`.
        settings: The architecture's own settings; the zoo checks names and ranges.
        weights: What the run's first weights are taken from: a file of the master's folder of
            pretrained weights, or `imagenet`, which Keras downloads. None: drawn by the seed.
        trained: Which part learns and travels: the `whole` model; its `last` blocks and the
            head; the `head` alone; or `features`: the head alone, on what the frozen rest made
            of each picture once, without augmentation. What is frozen travels once, as a blob
            of its own.
        config: For `own`: the model as Keras's JSON, of Keras's own layers only.
        flips: Whether an answer is the mean over the picture as it is, mirrored either way, and
            mirrored both ways. Steadier, most of all on pictures of another camera, for four
            times the work of an answer; training is not touched. Features have no flips.
    """

    name: Slug = "cnn10"
    settings: dict[str, Setting] = Field(default_factory=dict)
    weights: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$")] | None = None
    trained: Literal["whole", "last", "head", "features"] = "whole"
    config: Annotated[str, Field(max_length=2**20)] | None = None
    flips: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.flips and self.trained == "features":
            raise ValueError("features are computed once, of a picture as it is: no flips")
        if (self.name == "own") != (self.config is not None):
            raise ValueError("config goes with the name 'own', and with no other")
        return self


class StrategyChoice(Value):
    """Which aggregation rule, with which settings.

    Attributes:
        name: Name of a strategy in `federated/strategies/`.
        settings: The strategy's own settings.
        batch_norm: What happens to BatchNorm's moving statistics: `average` like any
            tensor, or `local`: children keep their own.
    """

    name: Slug = "fedavg"
    settings: dict[str, Setting] = Field(default_factory=dict)
    batch_norm: Literal["average", "local"] = "average"


class Trigger(Value):
    """What opens a round.

    Attributes:
        kind: `start`: rounds follow one another from the start of the run. `upload`:
            the run stands idle until a site reports enough new labelled pictures.
        min_new_pictures: For `upload`: new labelled pictures at one site that open a round.
    """

    kind: Literal["start", "upload"] = "start"
    min_new_pictures: Annotated[int, Field(ge=1, le=1_000_000)] = 10


class OwnPictures(Value):
    """Each site trains on the pictures of its own store."""

    kind: Literal["own"] = "own"


SOMEWHERE = "/srv/commonsight/batches"
"""Where ready-made plans have their batches; who starts such a run says where they really lie."""


class AssignedBatches(Value):
    """Each node trains on one batch of public pictures that the master assigns to it.

    Attributes:
        url: Where the batches and their index lie.
    """

    kind: Literal["batches"]
    url: BatchUrl


class RandomSets(Value):
    """Each node draws a training set of its own from public pictures, anew in each round.

    Attributes:
        url: Where the batches that it draws from lie, and their index.
        images: Training pictures of one set, all different.
    """

    kind: Literal["random"]
    url: BatchUrl
    images: Annotated[int, Field(ge=1, le=1_000_000)]


Data = Annotated[OwnPictures | AssignedBatches | RandomSets, Field(discriminator="kind")]
"""Where a child takes its pictures from."""


class Sampling(Value):
    """Which part of the nodes that could take part does so, drawn anew in each round.

    In an asynchronous run it is the part that works at the same time.

    Attributes:
        fraction: Share of the nodes that can take part.
        minimum: Nodes that are drawn at least, where there are as many.

    References:
        H. B. McMahan et al., "Communication-Efficient Learning of Deep Networks from
        Decentralized Data", AISTATS 2017: the fraction C. https://arxiv.org/abs/1602.05629
    """

    fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    minimum: Annotated[int, Field(ge=1, le=100_000)] = 1

    def size(self, nodes: int) -> int:
        """How many of so many nodes are drawn."""
        return min(nodes, max(self.minimum, share_of(self.fraction, nodes)))


class Privacy(Value):
    """What a site insists on.

    Attributes:
        min_examples: Labelled pictures that a site must have to train on, beside those that
            only judge: a few pictures can be read back out of the weights that were trained
            on them alone. Of fewer pictures that judge it tells no figure either.
    """

    min_examples: Annotated[int, Field(ge=1, le=1_000_000)] = 10


class AuditPolicy(Value):
    """How the master judges an update, and how often it looks closely.

    What an update shows by itself is judged when it comes; how it compares with the round's
    others, when the round is about to close. One finding that is wrong rejects an update, and so
    do two that are odd. The defaults were chosen so that honest sites with odd pictures pass: of
    one class only, ten in all (`python -m benchmarks audit`, docs/results.md).

    Attributes:
        max_accuracy_gap: How far the accuracy that a node claims may lie above the one
            measured on the master's audit pictures, mixed as the node's classes are, beyond
            three standard errors.
        on_gap: `note` accepts the update and has its node watched, for an honest site may have
            odd pictures; `reject` does not average it.
        compare_from: Updates that a round must have for one to be compared with the others'.
        odd_factor: How many times as far as the median of the others an update may go before
            it is odd.
        norm_factor: How many times, before it is wrong.
        norm_deviations: It is either only if it lies beyond the others by so many of their
            spreads (scaled median absolute deviations; here of logarithms) as well.
        odd_cosine: Cosine to the median of the others below which a direction is odd.
        least_cosine: Cosine below which it is wrong.
        direction_deviations: It is either only if it lies below the others by so many of their
            spreads as well.
        mix_distance: Where the shares of a site's classes, or of most others', differ from
            those of all sites by more than this (total variation, 0 to 1), its direction says
            nothing: pictures of one class may well point against all others.
        odd_drop: How far an update's AUC (accuracy, where there is none) on the audit pictures
            may lie below that of the round's first model and the median of the others, before
            it is odd.
        most_drop: How far, before it is wrong.
        drop_deviations: It is either only if it lies below the others by so many of their
            spreads as well.
        mirror_deviations: On audit pictures mixed as the site's own classes are, the mirror image
            of an update (what it changed, the other way) may be better by this many standard
            errors of the paired difference, where the update is worse than the round's first
            model, before it is wrong; from three quarters of it, it is noted.
        mirror_size: It is wrong only if that difference is larger than this many standard
            deviations of single pictures as well: many pictures make the smallest one sure.
        copy_distance: Two updates are the same where their changes differ by no more than this
            part of the longer one.
        trusted_after: Good results in a row after which a node is measured, and its work done
            twice, only sometimes: of n in a row one time in n.
        replicated: Share of the pieces of public work that a second node does as well; of
            nodes with a good record less, as above. No round waits for it.
        replica_distance: How far the two changes may differ, in parts of the longer one.
    """

    max_accuracy_gap: Annotated[float, Field(ge=0, le=1)] = 0.3
    on_gap: Literal["note", "reject"] = "note"
    compare_from: Annotated[int, Field(ge=4, le=100_000)] = 4
    odd_factor: Annotated[float, Field(ge=1, le=1e6)] = 8.0
    norm_factor: Annotated[float, Field(ge=1, le=1e6)] = 15.0
    norm_deviations: Annotated[float, Field(ge=0, le=1e3)] = 2.0
    odd_cosine: Annotated[float, Field(ge=-1, le=1)] = -0.1
    least_cosine: Annotated[float, Field(ge=-1, le=1)] = -0.2
    direction_deviations: Annotated[float, Field(ge=0, le=1e3)] = 3.0
    mix_distance: Annotated[float, Field(ge=0, le=1)] = 0.3
    odd_drop: Annotated[float, Field(ge=0, le=1)] = 0.05
    most_drop: Annotated[float, Field(ge=0, le=1)] = 0.2
    drop_deviations: Annotated[float, Field(ge=0, le=1e3)] = 3.0
    mirror_deviations: Annotated[float, Field(ge=0, le=1e6)] = 4.0
    mirror_size: Annotated[float, Field(ge=0, le=1e3)] = 0.25
    copy_distance: Annotated[float, Field(ge=0, le=1)] = 0.01
    trusted_after: Annotated[int, Field(ge=1, le=100_000)] = 10
    replicated: Annotated[float, Field(ge=0, le=1)] = 0.0
    replica_distance: Annotated[float, Field(ge=0, le=2)] = 0.3


class RewardPolicy(Value):
    """How credits arise.

    Attributes:
        policy: What a round's pool is shared out by, always on the master's audit pictures and
            never below 0. `accuracy`: that of an update's own weights. `improvement`: the same
            less the accuracy of the model that the round started from. `leave_one_out`: what
            the strategy's model of all updates loses without this one. `shapley`: what an
            update adds to that model, averaged over the orders in which updates could come
            (GTG-Shapley).
        pool: Credits that one round hands out.
        max_evaluations: For `shapley`: most models of a round that are measured.
        max_seconds: Longest time that measuring for one round may take, waiting not counted.
        round_tolerance: For `shapley`: a round that changes the accuracy by less than this is
            not measured further, and hands out nothing; with 0, every round is measured.
        order_tolerance: For `shapley`: closer than this to the accuracy of all updates, the
            rest of an order is taken to add nothing.
    """

    policy: Literal["accuracy", "improvement", "leave_one_out", "shapley"] = "accuracy"
    pool: Annotated[int, Field(ge=0, le=1_000_000)] = 100
    max_evaluations: Annotated[int, Field(ge=2, le=100_000)] = 200
    max_seconds: Annotated[float, Field(gt=0, le=86_400)] = 600.0
    round_tolerance: Annotated[float, Field(ge=0, le=1)] = 0.001
    order_tolerance: Annotated[float, Field(ge=0, le=1)] = 0.001


Quorum = Annotated[StrictInt, Field(ge=1, le=100_000)] | Annotated[StrictFloat, Field(gt=0, le=1)]
"""Updates that a round needs: a whole number, or a share of the round's nodes (0.75)."""


class Plan(Value):
    """Everything that a run is asked to do.

    Attributes:
        search: None: every site trains with the same settings, on its own pictures (the approach
            "training speed"). Given: each task gets settings of its own ("parameter
            optimisation"), and the strategy makes the next model of what came of them.
        rounds: Rounds to run; a standing run (trigger `upload`) stops after that many.
        quorum: Accepted updates without which a round fails: a whole number counts them, a
            fraction is a share of the round's nodes. `1` is one update, `1.0` is all.
        close: When a round closes before its deadline: when `all` have answered, or as soon
            as the `quorum` is in.
        deadline_seconds: Longest time that a round waits for its updates, extended once.
        deadline_factor: If given, a round waits this many times as long as the measured
            speed of its slowest node predicts, at most `deadline_seconds`.
        sampling: Which part of the nodes takes part in a round.
        data: Where a child takes its pictures from.
        publish: Whether the study's current model follows this run. Such runs take turns and
            each goes on from the current model where the architecture is the same. Others run
            side by side, each from fresh weights, to be compared.
        cross_site: Whether, after the last round, each site's model is measured on each other
            site's validation part, at the sites. For this the weights of each site's last
            update, which otherwise only the master sees, are sent to all other sites of the
            study; what comes back are counts and figures.
        seed: Root of every random choice of the run.
    """

    model: ModelChoice = ModelChoice()
    training: Training = Training()
    search: Search | None = None
    strategy: StrategyChoice = StrategyChoice()
    rounds: Annotated[int, Field(ge=1, le=100_000)] = 3
    quorum: Quorum = 1
    close: Literal["all", "quorum"] = "all"
    deadline_seconds: Annotated[float, Field(gt=0, le=30 * 86_400)] = 3600.0
    deadline_factor: Annotated[float, Field(ge=1, le=1000)] | None = None
    sampling: Sampling = Sampling()
    trigger: Trigger = Trigger()
    data: Data = OwnPictures()
    privacy: Privacy = Privacy()
    audit: AuditPolicy = AuditPolicy()
    rewards: RewardPolicy = RewardPolicy()
    publish: bool = True
    cross_site: bool = False
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0

    @model_validator(mode="after")
    def _check(self) -> Self:
        faults = []
        if self.training.epochs == 0 and self.trigger.kind == "upload":
            faults.append("a run that waits for pictures must train: epochs is 0")
        if self.data.kind != "own" and self.trigger.kind == "upload":
            faults.append("a run that waits for a site's new pictures must train on those")
        if self.trigger.kind == "upload" and not self.publish:
            faults.append("a run that waits for pictures moves the study's model on: publish it")
        if self.cross_site and self.data.kind != "own":
            faults.append("only the sites' own pictures can be measured across sites")
        if self.cross_site and self.training.epochs == 0:
            faults.append("models are measured across sites that have trained them: epochs is 0")
        if self.cross_site and self.training.validation_fraction == 0:
            faults.append(
                "models are measured across sites on validation pictures: validation_fraction is 0"
            )
        augments = self.training.augmentation != Augmentation()
        if self.search is not None and self.search.space.augmentation:
            augments = True
        if self.model.trained == "features" and augments:
            faults.append("features are computed once: no picture can be augmented after that")
        if self.search is not None and self.training.epochs == 0:
            faults.append("a search compares trainings: epochs is 0")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def most_epochs(self) -> int:
        """Epochs of the longest training that a task of the plan may have."""
        found = None if self.search is None else self.search.most_epochs
        return self.training.epochs if found is None else found

    def needed(self, nodes: int) -> int:
        """Accepted updates that a round of so many nodes needs; at least one."""
        if isinstance(self.quorum, int):
            return self.quorum
        return max(1, share_of(self.quorum, nodes))

    @property
    def sha256(self) -> str:
        """The plan's name: SHA-256 of its canonical JSON."""
        return sha256_of(self.model_dump(mode="json"))


def share_of(fraction: float, number: int) -> int:
    """`fraction` of `number`, rounded up; 0.7 of 10 is 7, whatever binary fractions make of it."""
    return math.ceil(round(fraction * number, 9))
