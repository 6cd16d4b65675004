"""Which tasks a site measures models for: without limits, figures would spell pictures out."""

import pytest

from child.evaluation_request import evaluation_request
from federated.errors import Conflict
from federated.messages import Failure
from federated.plan import Privacy
from tests.child.bench import Bench
from tests.child.conftest import PLAN, named, task_of

ACROSS = PLAN.model_copy(update={"cross_site": True})
FIGURES = "fe" * 32
"""Names what a task has come to; what is in it does not matter here."""


@pytest.fixture
def bench(pushed):
    pushed.upload(*named(24))
    pushed.child.pictures.deal("skin", "task-1", fraction=0.25, seed=0)
    bench = Bench(pushed, worker=None)
    bench.push = pushed.push()
    return bench


def hold(bench, task_id, end=None, **changes):
    """Holds a task that has come to something, and was ended so if `end` is given."""
    task = task_of(bench.push, task_id, **({"plan": ACROSS} | changes))
    tasks = bench.child.task_store
    tasks.add(task)
    tasks.begin(task_id)
    tasks.trained(task_id, FIGURES)
    if end is not None:
        tasks.end(task_id, end)
    return task


def measuring(bench, task_id="measure", **changes):
    facts = {"kind": "evaluate", "models": (bench.push.weights,), "plan": ACROSS}
    return task_of(bench.push, task_id, **(facts | changes))


def refusal(bench, task):
    with pytest.raises(Conflict) as refused:
        evaluation_request(task, bench.site)
    return refused.value.code


@pytest.mark.parametrize("end", [None, "submitted", "accepted", "rejected", "late"])
def test_a_site_measures_for_a_run_that_it_has_trained_in(bench, end):
    hold(bench, "task-1", end)
    request = evaluation_request(measuring(bench), bench.site)
    # A quarter of 16 benign and of 8 malignant pictures.
    assert (len(request.validation.rows), request.least) == (6, 3)


def test_a_plan_that_does_not_say_so_measures_nothing(bench):
    hold(bench, "task-1", "accepted", plan=PLAN)
    assert refusal(bench, measuring(bench, plan=PLAN)) == "not_cross_site"


def test_a_site_that_has_not_trained_in_the_run_measures_nothing(bench):
    assert refusal(bench, measuring(bench)) == "not_trained"
    hold(bench, "task-1", "accepted", run="run-2")
    hold(bench, "task-2", "accepted", study=bench.push.study.model_copy(update={"id": "other"}))
    bench.child.task_store.add(task_of(bench.push, "task-3", plan=ACROSS))
    assert refusal(bench, measuring(bench)) == "not_trained"


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_an_update_that_the_master_never_took_is_no_training(bench, end):
    hold(bench, "task-1", end)
    assert refusal(bench, measuring(bench)) == "not_trained"


def test_training_by_another_plan_is_not_for_this_measurement(bench):
    hold(bench, "task-1", "accepted", plan=PLAN)
    assert refusal(bench, measuring(bench)) == "not_trained"
    hold(bench, "task-2", "accepted")
    laxer = ACROSS.model_copy(update={"privacy": Privacy(min_examples=1)})
    assert refusal(bench, measuring(bench, plan=laxer)) == "not_trained"


@pytest.mark.parametrize("end", [None, "accepted", "late", "failed", "cancelled"])
def test_a_run_is_measured_once_whatever_the_master_made_of_the_figures(bench, end):
    hold(bench, "task-1", "accepted")
    first = hold(bench, "measure", end, kind="evaluate", models=(bench.push.weights,))
    assert refusal(bench, measuring(bench, "again")) == "measured_before"
    # The same task names the same models, and comes to the same figures.
    assert evaluation_request(first, bench.site).task == first
    # Another run is another training.
    hold(bench, "task-2", "accepted", run="run-2")
    assert evaluation_request(measuring(bench, "other", run="run-2"), bench.site)


def test_figures_that_the_master_wants_again_have_been_told_all_the_same(bench):
    hold(bench, "task-1", "accepted")
    hold(bench, "measure", "failed", kind="evaluate", models=(bench.push.weights,))
    bench.child.task_store.renew("measure")
    bench.child.task_store.end("measure", "cancelled")
    assert refusal(bench, measuring(bench, "again")) == "measured_before"


def test_a_task_that_came_to_nothing_may_be_given_anew(bench):
    hold(bench, "task-1", "accepted")
    tasks = bench.child.task_store
    tasks.add(measuring(bench, "lost"))
    tasks.add(measuring(bench, "failing"))
    tasks.fail("failing", Failure(code="trainer_died", detail="The training process ended."))
    assert evaluation_request(measuring(bench), bench.site).task.id == "measure"
