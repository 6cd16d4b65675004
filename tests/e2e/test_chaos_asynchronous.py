"""An asynchronous run that nobody waits in, while its master is killed three times; then a search.

Five light nodes, which speak the whole protocol over real HTTP without a model: two are quick,
one is always a version behind, one sends NaN, and one answers only when its work is too old to
count. The master is a whole one, with its evaluation process. It dies twice more while a search
goes on, whose proposals are nowhere but in its tables.
"""

import collections
import contextlib
import itertools
import signal

import pytest

from engines.processes.client import CallFailed
from federated.plan import StrategyChoice
from federated.states import TaskState, is_final
from federated.study import Study
from tests.e2e.averaging import assert_buffered
from tests.e2e.chaos_federation import ChaosFederation
from tests.e2e.light_nodes import honest, not_a_number, outrun, too_slow
from tests.e2e.pictures import CLASSES, files
from tests.e2e.running import family, finished, plan, wait_for

STUDY = "asynchronous"
SETTINGS = {"buffer": 2, "staleness": "polynomial", "a": 0.5, "max_staleness": 3}
PLAN = plan(
    rounds=6,
    strategy=StrategyChoice(name="fedbuff", settings=SETTINGS),
    deadline_seconds=120.0,
    training={"validation_fraction": 0.0},
    seed=5,
)
DEATHS = ("update-kept:3", "round-averaged:2", "round-closed")

SEARCH = plan(
    rounds=2,
    quorum=2,
    close="quorum",
    strategy=StrategyChoice(name="best_k", settings={"k": 1}),
    search={"space": {"learning_rate": (1e-4, 1e-1), "batch_size": (8, 16)}, "startup": 2},
    deadline_seconds=120.0,
    training={"validation_fraction": 0.0},
    seed=5,
)
SEARCH_DEATHS = ("round-opened", "round-averaged")
"""With the first proposals in the tables and nobody told; and with the first scores there, from
which those of the second round have yet to follow."""


@pytest.fixture(scope="module")
def chaos(tmp_path_factory):
    federation = ChaosFederation(tmp_path_factory.mktemp("asynchronous"), DEATHS[0])
    try:
        study = Study(id=STUDY, name=STUDY, classes=CLASSES, size=16)
        federation.master.create_study(study, plan())
        wait_for(lambda: federation.master.study(STUDY).current, "the first model")
        for name, blue, work, push in (
            ("quick-1", 5, honest, False),
            ("quick-2", 31, honest, True),
            ("behind", 18, outrun, False),
            ("nan", 12, not_a_number, True),
            ("slow", 20, too_slow, True),
        ):
            federation.add_light_node(name, STUDY, {"blue": blue, "red": 6}, work, push=push)
        wait_for(lambda: all_known(federation), "five nodes with their counts")
        yield federation
    finally:
        federation.close()


def all_known(chaos):
    return sum(bool(node.studies.get(STUDY)) for node in chaos.master.nodes()) == 5


@pytest.fixture(scope="module")
def rounds(chaos):
    """The rounds of the run that went through all of it."""
    with contextlib.suppress(CallFailed):
        # The master may be dead before it has answered.
        chaos.master.start_run(STUDY, PLAN)
    for failpoint, following in zip(DEATHS, (*DEATHS[1:], None), strict=True):
        chaos.wait_for_death(failpoint)
        chaos.start_master(following)
    run = wait_for(lambda: chaos.master.get("/runs")["runs"], "the run")[0]["id"]
    view = finished(chaos, run)
    assert view.state == "completed", view.reason
    return chaos.master.rounds(run)


def counted(one):
    return [update for update in one.updates if update.status == "accepted"]


def test_each_version_is_made_of_a_full_buffer_and_follows_the_one_before(rounds):
    assert [one.number for one in rounds] == [1, 2, 3, 4, 5, 6]
    assert {one.state for one in rounds} == {"closed"}
    assert {len(counted(one)) for one in rounds} == {SETTINGS["buffer"]}
    for before, after in itertools.pairwise(rounds):
        assert after.weights_before == before.weights_after


def test_each_version_is_the_step_of_its_updates_by_their_staleness(chaos, rounds):
    versions = [rounds[0].weights_before, *(one.weights_after for one in rounds)]
    for one in rounds:
        updates = [
            (update.staleness, versions[update.base_round], update.sha256)
            for update in counted(one)
        ]
        assert_buffered(chaos.state, one.weights_before, one.weights_after, updates)


def test_staleness_is_told_and_bounded(rounds):
    ages = collections.Counter()
    for one in rounds:
        for update in counted(one):
            assert update.staleness == one.number - 1 - update.base_round
            ages[update.node_name, update.staleness] += 1
    assert all(staleness <= SETTINGS["max_staleness"] for _, staleness in ages)
    behind = [staleness for node, staleness in ages if node == "behind"]
    assert behind
    assert all(staleness >= 1 for staleness in behind)
    assert {node for node, _ in ages} == {"quick-1", "quick-2", "behind"}


def test_no_update_is_counted_twice_and_no_node_twice_from_one_version(rounds):
    updates = [update for one in rounds for update in counted(one)]
    assert len({update.task for update in updates}) == len(updates)
    assert len({(update.node, update.base_round) for update in updates}) == len(updates)


def test_every_task_has_an_end_and_a_reason_where_it_did_not_count(rounds):
    tasks = {task.id: task for one in rounds for task in one.tasks}
    for task in tasks.values():
        assert is_final(task.state), task
        assert task.reason or task.state is TaskState.ACCEPTED, task
    told = collections.defaultdict(set)
    for task in tasks.values():
        told[task.node_name, str(task.state)].add(task.reason)
    assert all("not numbers" in reason for reason in told["nan", "rejected"])
    assert any("4 versions behind, at most 3 count" in reason for reason in told["slow", "late"])


@pytest.fixture(scope="module")
def search(chaos, rounds):
    """The rounds and the trials of a search by the same nodes, after the asynchronous run."""
    for process in family(chaos.servers["master"].pid):
        process.send_signal(signal.SIGKILL)
    chaos.start_master(SEARCH_DEATHS[0])
    for label in CLASSES:
        pictures = files(label, range(60_000, 60_002))
        wait_for(lambda: chaos.master.nodes(), "the master")
        chaos.master.add_pictures(STUDY, pictures, label, "audit")
    with contextlib.suppress(CallFailed):
        chaos.master.start_run(STUDY, SEARCH)
    for failpoint, following in zip(SEARCH_DEATHS, (*SEARCH_DEATHS[1:], None), strict=True):
        chaos.wait_for_death(failpoint)
        chaos.start_master(following)
    runs = wait_for(lambda: chaos.master.get("/runs")["runs"], "the runs")
    run = max(runs, key=lambda run: run["created_at"])["id"]
    view = finished(chaos, run)
    assert view.state == "completed", view.reason
    return chaos.master.rounds(run), chaos.master.get(f"/runs/{run}/search")["trials"]


def test_a_killed_search_loses_no_trial_and_counts_none_twice(search):
    rounds, trials = search
    tasks = {task.id: task for one in rounds for task in one.tasks}
    assert [one.number for one in rounds] == [1, 2]
    # Whoever died, each task is one trial, and nobody has two in a round.
    assert sorted(trial["task"] for trial in trials) == sorted(tasks)
    assert len({(trial["round"], trial["node"]) for trial in trials}) == len(trials)
    assert [trial["number"] for trial in trials] == list(range(1, len(trials) + 1))
    for trial in trials:
        accepted = tasks[trial["task"]].state is TaskState.ACCEPTED
        assert (trial["state"], trial["score"] is not None) == (
            "complete" if accepted else "failed",
            accepted,
        )
    counted_by = sorted((one.number, update.node) for one in rounds for update in counted(one))
    done = [(trial["round"], trial["node"]) for trial in trials if trial["score"] is not None]
    assert sorted(done) == counted_by
    assert all(len(counted(one)) >= SEARCH.quorum for one in rounds)


def test_nodes_trained_with_what_was_proposed_and_the_best_went_on(search):
    rounds, trials = search
    by_task = {trial["task"]: trial for trial in trials}
    assert trials[0]["parameters"] == {"learning_rate": 0.001, "batch_size": 8}
    assert len({str(one["parameters"]) for one in trials}) == len(trials)
    for one in rounds:
        updates = counted(one)
        best = max(updates, key=lambda update: by_task[update.task]["score"])
        assert [update.share for update in updates if update is best] == [1.0]
        assert sum(update.share for update in updates) == 1.0
