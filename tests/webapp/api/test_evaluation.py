import numpy as np

from models.measures import evaluate_probabilities
from webapp.api.evaluation import Evaluation


def test_reads_the_report_that_the_masters_measures_write() -> None:
    labels = np.array([0, 0, 1, 1, 1])
    right = np.array([0.1, 0.6, 0.7, 0.8, 0.2])
    written = evaluate_probabilities(labels, np.stack([1 - right, right], axis=1), ["a", "b"])
    body = {"round": 3, "test": written.model_dump(mode="json"), "audit": None, "note": None}
    read = Evaluation.model_validate(body).test
    assert read is not None
    assert read.confusion == ((1, 1), (1, 2))
    assert read.accuracy == 0.6
    assert read.auc == written.auc
    assert [entry.recall for entry in read.classes] == [1 / 2, 2 / 3]
    assert read.classes[1].roc == written.classes[1].roc
