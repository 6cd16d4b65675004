"""What a site found when it measured models on its own validation pictures: numbers only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from federated.errors import InvalidInput
from federated.messages import MOST_MODELS, PictureCount, TaskId
from federated.values import MAX_EXAMPLES, Message, Sha256

MOST_CLASSES = 50
"""Classes up to which a confusion matrix is sent: beyond, each count would be of few pictures."""

MAX_EVALUATION = 4 * 2**20
"""Bytes that the JSON of an evaluation never reaches: its numbers, with room to spare."""

Share = Annotated[float, Field(ge=0, le=1)]

Row = Annotated[tuple[PictureCount, ...], Field(max_length=MOST_CLASSES)]


class ModelFigures(Message):
    """One model on the validation pictures of one site.

    Attributes:
        loss: Mean cross-entropy in nats; None where the model computes no finite numbers.
        accuracy: Share of right answers; None as above.
        balanced_accuracy: Mean recall of the classes that occur. None as above, and where a
            class occurs with fewer pictures than the site insists on: with accuracy it would
            give the counts away.
        auc: Mean area under the ROC curves, one class against the rest; None as above, and
            where there is none.
        confusion: Pictures by true class (row) and predicted class (column), in the order of
            the study's classes. None where a class is so rare, for such a count would tell of
            single pictures, or where there are too many classes.
    """

    loss: Annotated[float, Field(ge=0, le=1e6)] | None = None
    accuracy: Share | None = None
    balanced_accuracy: Share | None = None
    auc: Share | None = None
    confusion: Annotated[tuple[Row, ...], Field(max_length=MOST_CLASSES)] | None = None


class SiteEvaluation(Message):
    """`PUT /tasks/<id>/evaluation`: the answer to a task of the kind `evaluate`.

    Attributes:
        task: The task that it answers.
        num_examples: The validation pictures that every model was measured on.
        figures: By the SHA-256 of each model's weights.
    """

    format: Literal[1] = 1
    task: TaskId
    num_examples: Annotated[int, Field(ge=1, le=MAX_EXAMPLES)]
    figures: Annotated[dict[Sha256, ModelFigures], Field(max_length=MOST_MODELS)]


def check_site_evaluation(
    evaluation: SiteEvaluation, task: str, models: Sequence[str], classes: int, most: int
) -> None:
    """Compares an evaluation with what its task asked for.

    Args:
        evaluation: What the site sent.
        task: The task's id.
        models: SHA-256 of the models that the task named.
        classes: Number of the study's classes.
        most: Labelled pictures that the site has told of.

    Raises:
        InvalidInput: It is for another task, of other models, or its counts cannot be.
    """
    if evaluation.task != task:
        raise InvalidInput(
            "The evaluation is for another task",
            expected=task,
            received=evaluation.task,
            code="wrong_task",
        )
    if set(evaluation.figures) != set(models):
        raise InvalidInput(
            "The evaluation is not of the models that the task named",
            expected=f"figures of {len(set(models))} models",
            received=f"figures of {len(set(evaluation.figures) & set(models))} of them",
            code="wrong_models",
        )
    if evaluation.num_examples > most:
        raise InvalidInput(
            "The evaluation claims more pictures than the site has announced",
            expected=f"at most {most}",
            received=evaluation.num_examples,
            code="bad_num_examples",
        )
    for figures in evaluation.figures.values():
        _check_confusion(figures, classes, evaluation.num_examples)


def _check_confusion(figures: ModelFigures, classes: int, examples: int) -> None:
    confusion = figures.confusion
    if confusion is None:
        return
    sizes = {len(confusion), *map(len, confusion)}
    counted = sum(map(sum, confusion))
    if sizes != {classes} or counted != examples:
        raise InvalidInput(
            "A confusion matrix does not fit the evaluation",
            expected=f"{classes} × {classes} counts of {examples} pictures",
            received=f"{counted} pictures in rows of {sorted(sizes)}",
            code="bad_confusion",
        )
