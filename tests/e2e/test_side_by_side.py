"""Two runs of a study at once, on real servers, and each site's model at each other site.

Two whole children with TensorFlow, one pushed to and one pulling, and a light node that speaks
the same protocol without a model. The master kills itself while the sites' models are handed
out, and again when the first answer has come.
"""

import json

import pytest
from safetensors.numpy import load_file

from federated.plan import ModelChoice, RewardPolicy
from tests.e2e.chaos_federation import ChaosFederation
from tests.e2e.light_nodes import honest
from tests.e2e.running import counts_known, finished, new_study, plan, wait_for

STUDY = "beside"
DEATHS = ("cross-site-open", "evaluation-taken")
PICTURES = {"push": {"blue": 9, "red": 8}, "pull": {"blue": 14, "red": 10}}
LIGHT = {"blue": 5, "red": 6}
SHAPLEY = RewardPolicy(policy="shapley", pool=10, round_tolerance=0, order_tolerance=0)


def small(width, seed, **changes):
    model = ModelChoice(name="cnn10", settings={"width": width, "units": 8})
    return plan(model=model, seed=seed, publish=False, quorum=3, rewards=SHAPLEY, **changes)


@pytest.fixture(scope="module")
def federation(tmp_path_factory):
    federation = ChaosFederation(tmp_path_factory.mktemp("beside"), DEATHS[0])
    try:
        for name in PICTURES:
            federation.start_child(name)
        for name in PICTURES:
            federation.meet_child(name)
        new_study(federation, STUDY, PICTURES, test=4)
        federation.add_light_node("light", STUDY, LIGHT, train_or_measure)
        wait_for(lambda: all_known(federation), "three nodes with their counts")
        yield federation
    finally:
        federation.close()


def all_known(federation):
    known = [node for node in federation.master.nodes() if node.studies.get(STUDY)]
    return len(known) == 3 and counts_known(federation, STUDY)


def train_or_measure(node, task):
    if task["kind"] == "train":
        honest(node, task)
        return
    for name in task["models"]:
        node.fetched(name)
    figures = {"loss": 0.5, "accuracy": 0.75, "balanced_accuracy": 0.75, "auc": None}
    answer = {"task": task["id"], "num_examples": 4}
    answer["figures"] = {name: figures | {"confusion": None} for name in task["models"]}
    path = f"/tasks/{task['id']}/evaluation"
    responses = [node.call("PUT", path, data=json.dumps(answer).encode()) for _ in range(2)]
    assert responses[0].json() == responses[1].json()
    node.answers[task["id"]] = (responses[0].status_code, responses[0].json())


@pytest.fixture(scope="module")
def runs(federation):
    """A narrow model in two rounds, and beside it a wider one that the sites measure."""
    before = federation.master.study(STUDY).current
    narrow = federation.master.start_run(STUDY, small(4, seed=1, rounds=2)).id
    wide = federation.master.start_run(STUDY, small(6, seed=2, cross_site=True)).id
    for failpoint, following in zip(DEATHS, (DEATHS[1], None), strict=True):
        federation.wait_for_death(failpoint)
        federation.start_master(following)
    ended = [finished(federation, run) for run in (narrow, wide)]
    assert [run.state for run in ended] == ["completed", "completed"], ended
    return before, narrow, wide


def test_both_are_under_way_at_once_and_the_studys_model_stays(federation, runs):
    before, narrow, wide = runs
    assert federation.master.study(STUDY).current == before
    (first, second), (other,) = (federation.master.rounds(run) for run in (narrow, wide))
    assert other.opened_at < first.closed_at
    assert first.opened_at < other.closed_at
    assert [len(one.updates) for one in (first, second, other)] == [3, 3, 3]
    # What a site's people use is still the study's.
    for child in federation.children.values():
        (held,) = child.status().studies
        assert held.weights == before.weights


def test_every_site_has_measured_every_sites_model(federation, runs):
    wide = runs[2]
    matrix = federation.master.get(f"/runs/{wide}/cross-site")
    assert matrix["state"] == "closed"
    names = ["global", "light", "pull", "push"]
    assert [model["name"] for model in matrix["models"]] == names
    rows = {row["node_name"]: row for row in matrix["sites"]}
    assert {name: row["reason"] for name, row in rows.items()} == dict.fromkeys(names[1:])
    # A fifth of each class, rounded: of 9 and 8, of 14 and 10.
    assert [rows[name]["num_examples"] for name in names[1:]] == [4, 5, 4]
    for name in ("pull", "push"):
        for figures in rows[name]["figures"]:
            counted = figures["confusion"]
            assert sum(map(sum, counted)) == rows[name]["num_examples"]
            right = counted[0][0] + counted[1][1]
            # Of fewer than ten pictures one digit is told.
            share = right / rows[name]["num_examples"]
            assert figures["accuracy"] == pytest.approx(share, abs=0.0501)


def test_the_columns_are_the_updates_that_were_averaged(federation, runs):
    wide = runs[2]
    (one,) = federation.master.rounds(wide)
    matrix = federation.master.get(f"/runs/{wide}/cross-site")
    assert matrix["models"][0]["weights"] == one.weights_after
    blobs = federation.state / "master" / "blobs"
    updates = {update.node_name: update.sha256 for update in one.updates}
    for model in matrix["models"][1:]:
        sent, passed_on = (
            load_file(blobs / updates[model["name"]]),
            load_file(blobs / model["weights"]),
        )
        assert set(sent) == set(passed_on)
        assert all((sent[name] == passed_on[name]).all() for name in sent)


def test_credits_are_worked_out_by_the_accuracies_that_the_master_tells_elsewhere(federation, runs):
    rounds = [one for run in runs[1:] for one in settled_credits(federation, run)]
    assert len(rounds) == 3
    for one in rounds:
        told = federation.master.evaluation(one["run"], one["round"])["audit"]
        assert one["after"] == told["accuracy"]
        seen = federation.master.rounds(one["run"])[one["round"] - 1].updates
        if one["orders"]:
            assert one["models"] == 8
            # What the strategy makes of one update alone are its own weights.
            alone = {share["task"]: share["compared"] for share in one["updates"]}
            assert alone == {view.task: view.audit.measured["accuracy"] for view in seen}
            gains = [share["contribution"] for share in one["updates"]]
            assert sum(gains) == pytest.approx(one["after"] - one["before"])
        paid = round(sum(share["credits"] for share in one["updates"]), 3)
        assert (paid, bool(one["reason"])) in ((10, False), (0, True)), one
    ledger = federation.master.get("/rewards")["ledger"]
    assert len({entry["task"] for entry in ledger}) == len(ledger)


def settled_credits(federation, run):
    def found():
        rounds = federation.master.get(f"/runs/{run}/rewards")["rounds"]
        return rounds if all(one["state"] != "pending" for one in rounds) else None

    return wait_for(found, "the credits")


def test_the_site_reads_which_numbers_have_left(federation, runs):
    child = federation.children["push"]
    told = child.get("/participation")
    assert "other sites" in told["sharing"]
    assert "many models over the same pictures tell something" in told["sharing"]
    (left,) = [one for one in told["departures"] if one["told"]]
    assert left["path"].endswith("/evaluation")
    assert left["status"] == 200
    assert json.loads(left["told"])["num_examples"] == 4


def test_the_comparison_names_what_differs_and_what_came_out(federation, runs):
    _, narrow, wide = runs
    answer = federation.master.get(f"/studies/{STUDY}/comparison", runs=f"{narrow},{wide}")
    assert answer["settings"] == ["model.settings.width", "rounds", "cross_site", "seed"]
    found = {run["id"]: run for run in answer["runs"]}
    assert found[narrow]["differs"]["model.settings.width"] == 4
    assert found[wide]["differs"]["model.settings.width"] == 6
    assert [len(found[run]["course"]) for run in (narrow, wide)] == [2, 1]
    assert found[narrow]["figures"]["bytes_per_round"] < found[wide]["figures"]["bytes_per_round"]
    assert "bytes_per_round" in found[narrow]["best"]
    assert all(run["figures"]["accuracy"] is not None for run in found.values())
