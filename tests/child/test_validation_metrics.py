import numpy as np
import pytest

from child.validation_metrics import validation_figures
from federated.errors import InvalidInput
from federated.wire import UpdateDocument

CLASSES = ("benign", "malignant")


def two(malignant: list[float]) -> np.ndarray:
    return np.array([[1 - p, p] for p in malignant])


def test_what_a_site_tells_worked_by_hand() -> None:
    # Predicted 0 1 0 1 1 for 0 0 1 1 1.
    # Three times over, so that there are pictures for two digits.
    chances, labels = two([0.2, 0.7, 0.4, 0.9, 0.8] * 3), np.array([0, 0, 1, 1, 1] * 3)
    figures = validation_figures(chances, labels, CLASSES, 1)
    assert figures["val_accuracy"] == 3 / 5
    assert figures["val_balanced_accuracy"] == round((1 / 2 + 2 / 3) / 2, 2)
    assert figures["val_f1"] == round((1 / 2 + 2 / 3) / 2, 2)
    # 0.4 lies above 0.2 alone, the others above both; neither benign one may be taken in.
    assert figures["val_auc"] == round(5 / 6, 2)
    assert figures["val_sensitivity_at_90"] == round(2 / 3, 2)
    assert figures["val_examples"] == 15
    assert figures["val_loss"] == round(-np.log([0.8, 0.3, 0.4, 0.9, 0.8]).mean(), 2)


def test_of_fewer_pictures_than_a_site_insists_on_only_their_number_is_told() -> None:
    chances, labels = two([0.2, 0.7, 0.4]), np.array([0, 0, 1])
    assert validation_figures(chances, labels, CLASSES, 4) == {"val_examples": 3}
    assert len(validation_figures(chances, labels, CLASSES, 3)) == 7


def test_a_site_that_has_one_class_tells_what_it_can() -> None:
    figures = validation_figures(two([0.2, 0.7, 0.4]), np.array([0, 0, 0]), CLASSES, 1)
    assert set(figures) == {
        *("val_loss", "val_accuracy", "val_examples", "val_balanced_accuracy", "val_f1")
    }
    # Of three pictures one digit is told.
    assert figures["val_balanced_accuracy"] == 0.7


def test_of_several_classes_those_count_that_the_site_has() -> None:
    chances = np.array([[0.6, 0.3, 0.1], [0.5, 0.4, 0.1], [0.2, 0.7, 0.1], [0.7, 0.2, 0.1]])
    figures = validation_figures(chances, np.array([0, 0, 1, 1]), ("a", "b", "c"), 1)
    # a: 0.6 and 0.5 lie above 0.2, below 0.7. b: 0.7 lies above both, 0.2 below.
    assert figures["val_auc"] == (2 / 4 + 2 / 4) / 2
    # At the 90 % that leave none of two: a nothing, b one of two.
    assert figures["val_sensitivity_at_90"] == round((0 + 1 / 2) / 2, 1)


@pytest.mark.parametrize("classes", [2, 7, 100])
def test_the_figures_travel_however_many_classes_there_are(classes: int) -> None:
    labels = np.arange(2 * classes) % classes
    chances = np.eye(classes)[labels] * 0.5 + 0.5 / classes
    figures = validation_figures(chances, labels, [f"c{k}" for k in range(classes)], 1)
    assert len(figures) == 7
    facts = {"task": "t", "base": "0" * 64, "num_examples": 3, "num_steps": 1}
    assert UpdateDocument.model_validate(facts | {"metrics": figures}).metrics == figures


def test_a_model_that_computes_no_numbers_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no probabilities"):
        validation_figures(two([float("nan")]), np.array([0]), CLASSES, 1)
