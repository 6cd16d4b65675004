import numpy as np

from models.measures import evaluate_probabilities
from tests.webapp import evaluated
from webapp.api.evaluation import Evaluation, Report


def test_reads_the_report_that_the_masters_measures_write() -> None:
    labels = np.array([0, 0, 1, 1, 1])
    right = np.array([0.1, 0.6, 0.7, 0.8, 0.2])
    chances = np.stack([1 - right, right], axis=1)
    written = evaluate_probabilities(labels, chances, ["a", "b"], intervals=True)
    body = {"round": 3, "test": written.model_dump(mode="json"), "audit": None, "note": None}
    read = Evaluation.model_validate(body).test
    assert read is not None
    assert read.confusion == ((1, 1), (1, 2))
    assert read.accuracy == 0.6
    assert [entry.recall for entry in read.classes] == [1 / 2, 2 / 3]
    # Whatever the web app knows by name, it knows as the master wrote it.
    known = read.model_dump(mode="json")
    for name, value in known.items():
        if name != "classes":
            assert value == body["test"][name], name
    for ours, theirs in zip(known["classes"], body["test"]["classes"], strict=True):
        assert {name: theirs[name] for name in ours} == ours


def test_a_report_of_an_earlier_version_can_be_read() -> None:
    read = Report.model_validate(evaluated.earlier_report())
    assert (read.accuracy, read.brier, read.reliability, read.resamples) == (0.75, None, (), 0)
