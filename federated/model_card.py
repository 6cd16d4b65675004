"""What a master tells a site of a model: the figures of its model card.

A model card says what a model is for, what it was trained and measured on, and how well it does,
by group and with how sure that is. Mitchell et al., "Model Cards for Model Reporting", FAT* 2019,
arXiv:1810.03993.

It goes to every site, so no count in it tells of few pictures: another site has no name, counts
are rounded down to tens, and what rests on fewer than ten pictures is left out. Two cards of one
study differ by ten pictures or by none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from federated.values import MAX_EXAMPLES, Label, Message, Sha256, Slug

LEAST_TOLD = 10
"""Pictures below which nothing is told of them, and the step in which counts are told."""

LONGEST_LICENCE = 500
"""Characters: the name of a licence, or a sentence."""

MOST_SITES = 1000
MOST_BINS = 100

Figure = Annotated[float, Field(ge=0, le=1e6)]
Share = Annotated[float, Field(ge=0, le=1)]
FigureName = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")]


class Estimate(Message):
    """A figure and the ends of its 95 % interval, where it has one."""

    value: Figure
    low: Figure | None = None
    high: Figure | None = None


Tens = Annotated[int, Field(ge=0, le=MAX_EXAMPLES, multiple_of=LEAST_TOLD)]
"""A number of pictures, rounded down to tens."""

CoarseCounts = Annotated[dict[Label, Tens], Field(max_length=1000)]
"""Pictures by class, in tens; a class with fewer than ten is left out."""

Estimates = Annotated[dict[FigureName, Estimate], Field(max_length=20)]


class TestedClass(Message):
    """How one class fares against all others on the master's test pictures.

    Attributes:
        support: Test pictures of it, rounded down to tens.
        figures: By name (`recall`, `precision`, `auc`); empty where the pictures are too few.
    """

    __test__ = False

    name: Label
    support: Tens
    figures: Estimates = Field(default_factory=dict)


class CardBin(Message):
    """The test pictures on which the model was about as sure.

    Attributes:
        lower: Of its highest probability.
        upper: Of its highest probability.
        count: Pictures, rounded down to tens.
        confidence: Mean of their highest probabilities.
        accuracy: Share of them that was right.
    """

    lower: Share
    upper: Share
    count: Tens
    confidence: Share
    accuracy: Share


class TestedModel(Message):
    """A model on the master's test pictures, which never train one.

    Attributes:
        num_examples: Test pictures, rounded down to tens.
        figures: By name (`accuracy`, `balanced_accuracy`, `auc`, `calibration_error`, …).
        classes: In the study's order.
        reliability: The bins with enough pictures, in order.
    """

    __test__ = False

    num_examples: Tens
    figures: Estimates = Field(default_factory=dict)
    classes: Annotated[tuple[TestedClass, ...], Field(max_length=1000)] = ()
    reliability: Annotated[tuple[CardBin, ...], Field(max_length=MOST_BINS)] = ()


class ModelCard(Message):
    """What the master tells one site of one model.

    Attributes:
        mark: Names what this card tells; the site says in its heartbeats which one it has.
        study: Study of the model.
        weights: SHA-256 of its weights.
        frozen: SHA-256 of its frozen part, if it has one.
        made_at: When the master made the model.
        parameters: Number of values in the weights that travel.
        others: Labelled pictures by class at each other site that has trained the study's model,
            rounded down to tens, the largest site first; classes with fewer are left out.
        test: None without test pictures, with too few, or not yet measured.
        licence: What the operator permits with the model; None where nothing is said.
    """

    mark: Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")]
    study: Slug
    weights: Sha256
    frozen: Sha256 | None = None
    made_at: float
    parameters: Annotated[int, Field(ge=0, le=10**12)] = 0
    others: Annotated[tuple[CoarseCounts, ...], Field(max_length=MOST_SITES)] = ()
    test: TestedModel | None = None
    licence: Annotated[str, Field(max_length=LONGEST_LICENCE)] | None = None


def coarse(count: int) -> int:
    """A count as it is told: rounded down to tens."""
    return count - count % LEAST_TOLD


def coarse_counts(counts: Mapping[str, int]) -> CoarseCounts:
    """Counts by class as they are told; a class with too few pictures is left out."""
    return {name: coarse(count) for name, count in counts.items() if count >= LEAST_TOLD}
