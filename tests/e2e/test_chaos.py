"""Everything goes wrong at once, with real processes, and five rounds finish all the same.

Six nodes. Two are whole children with TensorFlow, the one pushed to and the other pulling
through a cable that can be cut; CI has two cores, so the other four are light nodes that speak
the same protocol over real HTTP without a model: two push (one returns NaN, one is too slow),
two pull (both honest). Every server is killed by its own process id; the master kills itself,
by SIGKILL, where a failpoint says.
"""

import collections
import contextlib
import itertools
import signal

import pytest

from engines.processes.client import CallFailed
from federated.states import TaskState, is_final
from serving.failpoints import FAILPOINTS
from tests.e2e.averaging import assert_averaged
from tests.e2e.chaos_federation import ChaosFederation
from tests.e2e.light_nodes import honest, not_a_number, too_slow
from tests.e2e.running import counts_known, family, finished, new_study, plan, wait_for

STUDY = "chaos"
HONEST = {"push", "pull", "light-1", "light-2"}
PLAN = plan(rounds=5, quorum=4, close="quorum", epochs=250, deadline_seconds=120.0, seed=3)

DEATHS = (
    "task-leased:3",
    "update-kept:2",
    "round-aggregating",
    "round-opened",
    "update-submitted:2",
    "round-averaged",
    "round-closed:2",
)
"""Where the masters die that follow each other: three times in each of rounds 1 and 2, and at the
end of round 3. A master that closes a round opens the next."""


@pytest.fixture(scope="module")
def chaos(tmp_path_factory):
    federation = ChaosFederation(tmp_path_factory.mktemp("chaos"), DEATHS[0])
    try:
        for name in ("push", "pull"):
            federation.start_child(name)
        for name in ("push", "pull"):
            federation.meet_child(name)
        pictures = {"push": {"blue": 9, "red": 8}, "pull": {"blue": 14, "red": 10}}
        new_study(federation, STUDY, pictures, test=4, size=32)
        for name, blue, work, push in (
            ("light-1", 5, honest, False),
            ("light-2", 31, honest, False),
            ("nan", 12, not_a_number, True),
            ("slow", 20, too_slow, True),
        ):
            federation.add_light_node(name, STUDY, {"blue": blue, "red": 6}, work, push=push)
        wait_for(lambda: all_known(federation), "six nodes with their counts")
        yield federation
    finally:
        federation.close()


def all_known(chaos):
    known = [node for node in chaos.master.nodes() if node.reachable and node.studies.get(STUDY)]
    return len(known) == 6 and counts_known(chaos, STUDY)


def task_of(chaos, run, name, number):
    """The task of a node in a round; None before it is there."""
    view = chaos.master.run(run)
    return next((t for t in view.tasks if (t.node_name, t.round) == (name, number)), None)


def wait_until_training(chaos, run, name, number):
    def trains():
        task = task_of(chaos, run, name, number)
        assert task is None or task.state in ("queued", "leased", "training"), task
        return task is not None and task.state == "training"

    wait_for(trains, f"{name} to train in round {number}")


def wait_until_lost(chaos, run, name, number):
    def is_lost():
        task = task_of(chaos, run, name, number)
        return task.state == "queued" and task.lost

    wait_for(is_lost, f"the lease of {name} in round {number} to run out")


def cut_off_for_a_while(chaos, run):
    """Longer than a lease, in the midst of training."""
    wait_until_training(chaos, run, "pull", 3)
    chaos.cable.cut()
    wait_until_lost(chaos, run, "pull", 3)
    chaos.cable.mend()


def kill_in_training(chaos, run):
    """A child with everything that it started, by their ids; it is away for longer than a lease."""
    wait_until_training(chaos, run, "push", 4)
    for process in family(chaos.servers["push"].pid):
        process.send_signal(signal.SIGKILL)
    wait_until_lost(chaos, run, "push", 4)
    chaos.start_child("push")


@pytest.fixture(scope="module")
def rounds(chaos):
    """The rounds of the run that went through all of it."""
    with contextlib.suppress(CallFailed):
        # The master may be dead before it has answered.
        chaos.master.start_run(STUDY, PLAN)
    for failpoint, following in zip(DEATHS, (*DEATHS[1:], None), strict=True):
        if failpoint == DEATHS[-1]:
            run = wait_for(lambda: chaos.master.get("/runs")["runs"], "the run")[0]["id"]
            cut_off_for_a_while(chaos, run)
        chaos.wait_for_death(failpoint)
        chaos.start_master(following)
    kill_in_training(chaos, run)
    view = finished(chaos, run)
    assert view.state == "completed", view.reason
    wait_for(lambda: len(late(chaos, run)) == PLAN.rounds, "the last late update")
    return chaos.master.rounds(run)


def late(chaos, run):
    rounds = chaos.master.rounds(run)
    return [one for one in rounds for update in one.updates if update.status == "late"]


def tasks_of(rounds):
    return [task for one in rounds for task in one.tasks]


def accepted(one):
    return [update for update in one.updates if update.status == "accepted"]


def test_the_masters_died_in_every_place_that_there_is(rounds):
    assert {failpoint.partition(":")[0] for failpoint in DEATHS} == set(FAILPOINTS)


def test_five_rounds_finish_each_from_the_model_of_the_one_before(rounds):
    assert [one.number for one in rounds] == [1, 2, 3, 4, 5]
    assert {one.state for one in rounds} == {"closed"}
    for before, after in itertools.pairwise(rounds):
        assert after.weights_before == before.weights_after


def test_each_global_model_is_the_average_of_the_accepted_updates(chaos, rounds):
    for one in rounds:
        counted = [(update.num_examples, update.sha256) for update in accepted(one)]
        assert len({count for count, _ in counted}) == len(counted)
        assert_averaged(chaos.state, one.weights_before, one.weights_after, counted)


def test_only_honest_work_in_time_counts_and_all_of_it_does(rounds):
    for one in rounds:
        names = [update.node_name for update in accepted(one)]
        assert sorted(names) == sorted(HONEST)


def test_every_task_has_an_end_and_a_reason_where_it_did_not_count(rounds):
    for task in tasks_of(rounds):
        assert is_final(task.state), task
        assert task.reason or task.state is TaskState.ACCEPTED, task
    ends = {(task.node_name, task.state) for task in tasks_of(rounds)}
    assert ends == {
        *((name, "accepted") for name in HONEST),
        ("nan", "rejected"),
        ("slow", "late"),
    }
    for task in tasks_of(rounds):
        if task.node_name == "nan":
            assert "not numbers" in task.reason


def test_the_nodes_heard_what_became_of_their_work(chaos, rounds):
    answers = {name: list(node.answers.values()) for name, node in chaos.light.items()}
    assert all(status == 200 and answer["state"] == "late" for status, answer in answers["slow"])
    for status, answer in answers["nan"]:
        assert (status, answer["error"]) == (422, "not_finite")
    for name in ("light-1", "light-2"):
        assert all(status == 200 for status, _ in answers[name])
    assert {len(answers[name]) for name in answers} == {len(rounds)}


def test_no_update_is_counted_twice(rounds):
    counted = [update for one in rounds for update in accepted(one)]
    assert len({update.task for update in counted}) == len(counted) == 4 * len(rounds)
    assert len({update.sha256 for update in counted}) == len(counted)
    for one in rounds:
        assert sum(update.share for update in accepted(one)) == pytest.approx(1)
        assert {u.share for u in one.updates if u.status != "accepted"} <= {None}


def test_each_round_pays_its_pool_once_to_those_that_counted(chaos, rounds):
    entries = chaos.master.get(f"/runs/{rounds[0].run}/rewards")["ledger"]
    paid = collections.Counter(entry["task"] for entry in entries)
    assert set(paid.values()) == {1}
    assert set(paid) <= {update.task for one in rounds for update in accepted(one)}
    for one in rounds:
        of_round = [entry["credits"] for entry in entries if entry["round"] == one.number]
        assert sum(of_round) == pytest.approx(PLAN.rewards.pool)


def test_the_events_tell_it_each_thing_once(chaos, rounds):
    events = chaos.master.events(rounds[0].run)
    told = collections.Counter((e.kind, e.data.get("round"), e.data.get("task")) for e in events)
    for one in rounds:
        assert told["round_closed", one.number, None] == 1
        for task in one.tasks:
            assert told[f"task_{task.state}", one.number, task.id] == 1
    lost = {
        (event.data["task"], event.data["round"])
        for event in events
        if event.kind == "task_queued" and event.data["reason"]
    }
    away = {("pull", 3), ("push", 4)}
    expected = {(t.id, t.round) for t in tasks_of(rounds) if (t.node_name, t.round) in away}
    assert len(expected) == len(away)
    assert expected <= lost
