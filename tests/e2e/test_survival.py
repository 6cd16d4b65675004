"""Servers that are killed in the middle of things, and what becomes of the round."""

import pytest

from tests.e2e.averaging import assert_averaged
from tests.e2e.pictures import picture
from tests.e2e.running import (
    family,
    finished,
    new_study,
    plan,
    running_federation,
    wait_for,
    wait_until_gone,
)

LONG = plan(rounds=1, epochs=300)
"""Long enough to be disturbed, short enough to be waited for."""


@pytest.fixture(scope="module")
def fragile(tmp_path_factory):
    """A federation of its own: what happens to it is no one else's business."""
    state = tmp_path_factory.mktemp("fragile")
    options = {"child_options": ("--demo",), "master_options": ("--lease-seconds", "20")}
    with running_federation(state, **options) as running:
        new_study(
            running,
            "fragile",
            {"site-1": {"blue": 20, "red": 17}, "site-2": {"blue": 12, "red": 11}},
        )
        yield running


def training(running, run, site):
    """Waits until a site is in the midst of training for a run."""

    def is_training():
        tasks = {view.node_name: view for view in running.master.run(run).tasks}
        progress = tasks[site].progress if site in tasks else None
        return progress is not None and 0 < progress.epoch < LONG.training.epochs

    wait_for(is_training, f"{site} to train")


def trainer_of(running, site):
    """The trainer process of a child, found from outside."""
    return next(
        process
        for process in family(running.servers[site].pid)
        if "child.trainer" in process.cmdline()
    )


def assert_closed(running, run, nodes):
    """The run is complete, its one round the average of these nodes' updates."""
    assert finished(running, run).state == "completed"
    (one,) = running.master.rounds(run)
    counted = [view for view in one.updates if view.status == "accepted"]
    assert {view.node_name for view in counted} == nodes
    assert_averaged(
        running.state,
        one.weights_before,
        one.weights_after,
        [(view.num_examples, view.sha256) for view in counted],
    )
    return one


def test_a_master_that_is_killed_in_a_round_goes_on_with_it(fragile):
    run = fragile.master.start_run("fragile", LONG).id
    training(fragile, run, "site-1")
    everything = family(fragile.servers["master"].pid)
    fragile.kill("master")
    wait_until_gone(everything)
    fragile.start_master()
    assert_closed(fragile, run, {"site-1", "site-2"})


def test_a_child_that_is_killed_in_training_takes_its_task_up_again(fragile):
    run = fragile.master.start_run("fragile", LONG).id
    training(fragile, run, "site-1")
    everything = family(fragile.servers["site-1"].pid)
    fragile.kill("site-1")
    wait_until_gone(everything)
    fragile.start_child("site-1")
    assert_closed(fragile, run, {"site-1", "site-2"})


def test_a_trainer_that_is_killed_costs_a_task_and_not_the_round(fragile):
    run = fragile.master.start_run("fragile", LONG).id
    training(fragile, run, "site-2")
    server = fragile.servers["site-2"].pid
    trainer_of(fragile, "site-2").kill()
    one = assert_closed(fragile, run, {"site-1"})
    (lost,) = (view for view in one.tasks if view.node_name == "site-2")
    assert lost.state == "failed"
    assert lost.reason
    assert fragile.servers["site-2"].pid == server
    assert fragile.servers["site-2"].exit_status is None


def test_the_site_whose_trainer_died_trains_again(fragile):
    run = fragile.master.start_run("fragile", plan(rounds=1, epochs=2)).id
    assert_closed(fragile, run, {"site-1", "site-2"})


def test_a_child_that_does_not_come_back_costs_the_round_its_update_only(fragile):
    run = fragile.master.start_run("fragile", LONG).id
    training(fragile, run, "site-2")
    fragile.kill("site-2")
    one = assert_closed(fragile, run, {"site-1"})
    (lost,) = (view for view in one.tasks if view.node_name == "site-2")
    assert lost.state in ("expired", "failed")
    assert lost.reason
    fragile.start_child("site-2")


def test_a_prediction_needs_no_master(fragile):
    fragile.kill("master")
    try:
        answer = fragile.children["site-1"].call(
            "POST",
            "/predict",
            files={"file": ("a.png", picture("red", 999))},
            data={"study": "fragile"},
        )
        probabilities = answer.json()["probabilities"]
        assert set(probabilities) == {"blue", "red"}
        assert sum(probabilities.values()) == pytest.approx(1, abs=1e-5)
    finally:
        fragile.start_master()
