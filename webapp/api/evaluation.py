"""The master's evaluation of a model, as the web app reads it.

The master writes it with `models.measures`, which the web app must not import; a test holds
the two together.
"""

from __future__ import annotations

from federated.values import Message


class ClassFigures(Message):
    """How one class fares against all others; figures are None where they cannot be told.

    Attributes:
        name: The class.
        support: Examples that are of this class.
        precision: Share of right ones among those taken for this class.
        recall: Share of this class that was found.
        f1: Harmonic mean of precision and recall.
        auc: Area under the ROC curve.
        roc: Points (false positive rate, true positive rate), each 0 to 1.
    """

    name: str
    support: int
    precision: float | None
    recall: float | None
    f1: float | None
    auc: float | None
    roc: tuple[tuple[float, float], ...]


class Report(Message):
    """Figures of one model on one set of pictures.

    Attributes:
        num_examples: Pictures looked at.
        loss: Mean cross-entropy in nats.
        accuracy: Share that was right.
        balanced_accuracy: Mean recall over the classes that occur.
        auc: Area under the ROC curve, the mean over classes where there are more than two.
        auc_missing: Why there is no `auc`.
        classes: In the study's order.
        confusion: Rows are true classes, columns predicted ones.
    """

    num_examples: int
    loss: float
    accuracy: float
    balanced_accuracy: float
    auc: float | None
    auc_missing: str | None
    classes: tuple[ClassFigures, ...]
    confusion: tuple[tuple[int, ...], ...]


class Evaluation(Message):
    """`GET /runs/<id>/evaluation`: reports on the test and audit parts.

    Attributes:
        note: Why a report is missing.
    """

    round: int
    test: Report | None
    audit: Report | None = None
    note: str | None = None
