"""Models of other sites, measured in a real trainer process on this site's validation part."""

import json

import numpy as np
import pytest

from child.site_evaluation import figures_of
from federated.plan import Plan, Privacy
from federated.site_evaluation import ModelFigures
from federated.wire import encode_weights
from imaging.array_file import PixelArray
from models.measures import evaluate_probabilities
from tests.child.bench import PLAN, SMALL, Bench, push_model
from tests.child.conftest import STUDY, named, task_of

ACROSS = PLAN.model_copy(update={"cross_site": True})


@pytest.fixture
def bench(site, worker, initial):
    push = push_model(site, initial, ACROSS)
    site.upload(*named(24))
    bench = Bench(site, worker)
    bench.push = push
    return bench


def other_model(child, seed):
    """Weights of another site, as the master passes them on."""
    from models.named import build_model

    return child.blobs.put(encode_weights(build_model(STUDY, SMALL, seed=seed).read()))


def evaluate_task(bench, models, **changes):
    facts = {"task_id": "task-e", "kind": "evaluate", "models": models, "plan": ACROSS}
    return task_of(bench.push, **(facts | changes))


def answer_of(bench, held):
    return json.loads(bench.child.blobs.path(held.update_sha256).read_bytes())


def test_each_model_is_measured_on_the_pictures_that_never_trained(bench):
    bench.do(task_of(bench.push, plan=ACROSS))
    models = (bench.push.weights, other_model(bench.child, 4), other_model(bench.child, 5))
    held = bench.do(evaluate_task(bench, models))
    assert (held.state, bench.finished[-1]) == ("delivering", "task-e")
    answer = answer_of(bench, held)
    # A quarter of 16 benign and of 8 malignant pictures.
    assert (answer["task"], answer["num_examples"]) == ("task-e", 6)
    assert set(answer["figures"]) == set(models)
    for name, seed in zip(models, (3, 4, 5), strict=True):
        found = answer["figures"][name]
        expected = by_hand(bench, seed)
        # Of six pictures one digit is told.
        assert found["loss"] == pytest.approx(expected.loss, abs=0.0501)
        assert found["accuracy"] == round(expected.accuracy, 1)
        assert found["loss"] == round(found["loss"], 1)
        # Two of the malignant pictures judge, and this site tells of no fewer than three.
        told = (found[name] for name in ("balanced_accuracy", "auc", "confusion"))
        assert set(told) == {None}
    assert bench.progress[-1].note == "measuring model 3 of 3"
    assert list(bench.child.state.drafts.iterdir()) == []
    # The same again is the same to the byte; another task is refused.
    bench.child.task_store.end("task-e", "failed")
    assert bench.child.task_store.renew("task-e")
    assert bench.child.task_store.fetched("task-e")
    assert answer_of(bench, bench.do(evaluate_task(bench, models))) == answer
    another = bench.do(evaluate_task(bench, models[1:], task_id="task-f"))
    assert (another.state, another.failure.code) == ("delivering", "measured_before")


def by_hand(bench, seed):
    """The report of a fresh model on the validation part, without the code under test."""
    from models.named import build_model

    pictures = [
        view
        for view in bench.child.pictures.page("skin", limit=100)[0]
        if view.part == "validation"
    ]
    places = bench.child.pictures.places("skin")
    pixels = PixelArray(bench.child.folder.array(STUDY).path, STUDY.picture_shape).open()
    images = np.stack([pixels[places[view.id]] for view in pictures])
    labels = np.array([STUDY.classes.index(view.label) for view in pictures])
    model = build_model(STUDY, SMALL, seed=seed).keras_model
    chances = np.asarray(model(images.astype(np.float32), training=False))
    return evaluate_probabilities(labels, chances, STUDY.classes)


def test_what_is_told_of_classes_is_told_where_every_class_has_enough_pictures(bench):
    plan = ACROSS.model_copy(update={"privacy": Privacy(min_examples=2)})
    bench.do(task_of(bench.push, plan=plan))
    held = bench.do(evaluate_task(bench, (bench.push.weights,), plan=plan))
    (found,) = answer_of(bench, held)["figures"].values()
    assert np.sum(found["confusion"], axis=1).tolist() == [4, 2]
    assert np.trace(found["confusion"]) / 6 == pytest.approx(found["accuracy"], abs=0.0501)
    # 4 benign and 2 malignant pictures: either recall counts as much as the other.
    recalls = found["confusion"][0][0] / 4 + found["confusion"][1][1] / 2
    assert found["balanced_accuracy"] == pytest.approx(recalls / 2, abs=0.0501)
    assert found["auc"] == round(found["auc"], 1)


def test_a_withheld_matrix_does_not_follow_from_what_is_told():
    labels = np.array([0] * 40 + [1] * 3)
    # 5 of the many and 1 of the few are taken for the other.
    right = np.array([True] * 35 + [False] * 5 + [True, True, False])
    malignant = np.where(right == (labels == 1), 0.75, 0.25)
    chances = np.stack([1 - malignant, malignant], axis=1)
    found = figures_of(labels, chances, STUDY.classes, least=4)
    assert found == ModelFigures(loss=found.loss, accuracy=0.86)
    whole = figures_of(labels, chances, STUDY.classes, least=3)
    assert whole.confusion == ((35, 5), (1, 2))
    assert whole.balanced_accuracy == round((35 / 40 + 2 / 3) / 2, 2)


def test_a_model_that_computes_no_numbers_has_no_figures(bench):
    bench.do(task_of(bench.push, plan=ACROSS))
    from models.named import build_model

    weights = build_model(STUDY, SMALL, seed=4).read()
    # Finite as weights, and far beyond what the next layers can add up.
    weights = {name: np.full_like(array, 3e38) for name, array in weights.items()}
    broken = bench.child.blobs.put(encode_weights(weights))
    held = bench.do(evaluate_task(bench, (bench.push.weights, broken)))
    figures = answer_of(bench, held)["figures"]
    assert figures[bench.push.weights]["loss"] is not None
    assert set(figures[broken].values()) == {None}


def test_a_site_with_too_few_pictures_that_judge_tells_nothing(bench):
    plan = Plan.model_validate(ACROSS.model_dump() | {"privacy": {"min_examples": 7}})
    bench.do(task_of(bench.push, plan=plan))
    held = bench.do(evaluate_task(bench, (bench.push.weights,), plan=plan))
    assert held.state == "delivering"
    assert held.failure.code == "too_few_examples"
    assert held.failure.detail.endswith("Received 6.")


def test_a_site_that_has_not_trained_in_the_run_measures_nothing(bench):
    held = bench.do(evaluate_task(bench, (bench.push.weights,)))
    assert (held.state, held.failure.code) == ("delivering", "not_trained")


def test_a_paused_site_measures_nothing(bench):
    bench.do(task_of(bench.push, plan=ACROSS))
    bench.child.participation.pause(True)
    held = bench.do(evaluate_task(bench, (bench.push.weights,)))
    assert held.failure.code == "paused"
