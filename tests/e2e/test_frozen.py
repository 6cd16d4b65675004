"""Features mode with real servers: the base is sent once, and a small head goes to and fro."""

from dataclasses import replace

import pytest
import requests

from child.feature_array import FeatureArray
from engines.processes.client import Child, Master
from engines.processes.federation import Federation, child_of, start_child
from federated.plan import ModelChoice
from tests.e2e.averaging import assert_averaged, read_blob
from tests.e2e.recording_proxy import RecordingProxy
from tests.e2e.running import (
    Running,
    finished,
    new_study,
    plan,
    running_federation,
    wait_for,
)

CALLED, ASKING = "called", "asking"
PICTURES = {CALLED: {"blue": 14, "red": 9}, ASKING: {"blue": 5, "red": 6}}
HEAD = ModelChoice(name="mobilenet", settings={"alpha": 0.25}, trained="features")
TWO_ROUNDS = plan(rounds=2, epochs=3, model=HEAD, quorum=2, training={"learning_rate": 0.01})


@pytest.fixture(scope="module")
def wire():
    """All that goes between the site that asks and the master."""
    wire = RecordingProxy()
    yield wire
    wire.close()


@pytest.fixture(scope="module")
def mixed(tmp_path_factory, wire):
    """A site that is called and one that asks, with pictures and the first model."""
    options = {"child_options": ("--demo",), "master_options": ("--heartbeat-seconds", "1")}
    state = tmp_path_factory.mktemp("frozen")
    with running_federation(state, (CALLED,), **options) as running:
        running = with_asking_site(running, wire)
        new_study(running, "skin", PICTURES, test=4, size=32, first=TWO_ROUNDS)
        yield running


def with_asking_site(running, wire):
    wire.target = running.master.url
    settings = replace(running.settings, sites=(CALLED, ASKING), urls={ASKING: None})
    tokens = running.federation.tokens
    start_child(running.servers, settings, ASKING, Master(wire.url, tokens["master"]))
    asking = Child(*child_of(running.servers, ASKING))
    federation = Federation(running.master, {**running.children, ASKING: asking}, tokens)
    return Running(running.servers, settings, federation)


@pytest.fixture(scope="module")
def first_run(mixed):
    run = mixed.master.start_run("skin", TWO_ROUNDS).id
    assert finished(mixed, run).state == "completed"
    return mixed.master.run(run)


def counted(running, run):
    """The rounds of a run, each with the two updates that counted."""
    rounds = running.master.rounds(run)
    for one in rounds:
        assert {update.node_name for update in one.updates} == {CALLED, ASKING}
        assert {update.status for update in one.updates} == {"accepted"}
    return rounds


def feature_file(running, site):
    (path,) = (running.state / "children" / site / "pictures" / "skin").glob("features-*")
    return path


def model_bytes_sent(running):
    """What the master says of the models that it has sent, by either way."""
    headers = {"Authorization": f"Bearer {running.federation.tokens['master']}"}
    text = requests.get(f"{running.master.url}/metrics", headers=headers, timeout=10).text
    lines = [line for line in text.splitlines() if line.startswith("commonsight_model_bytes_total")]
    return float(lines[0].rpartition(" ")[2])


def test_only_the_head_is_averaged_and_travels(mixed, first_run):
    rounds = counted(mixed, first_run.id)
    assert len(rounds) == 2
    for one in rounds:
        # 256 features for two classes, and their biases; the rest is what says so.
        assert all(514 * 4 < update.nbytes < 4096 for update in one.updates)
        assert_averaged(
            mixed.state,
            one.weights_before,
            one.weights_after,
            [(update.num_examples, update.sha256) for update in one.updates],
        )
    assert set(read_blob(mixed.state, first_run.weights)) == {"output/kernel", "output/bias"}


def test_the_base_was_sent_once_to_each_site(mixed, first_run):
    # The last model goes to the sites after the run is over.
    for name, child in mixed.children.items():
        wait_for(
            lambda child=child: child.status().studies[0].weights == first_run.weights,
            f"the last model at {name}",
        )
        assert child.status().studies[0].frozen == first_run.frozen
    rounds = mixed.master.rounds(first_run.id)
    blobs = mixed.state / "master" / "blobs"
    versions = [rounds[0].weights_before, *(one.weights_after for one in rounds)]
    sizes = [(blobs / sha256).stat().st_size for sha256 in (first_run.frozen, *versions)]
    assert sizes[0] > 800_000
    assert model_bytes_sent(mixed) == len(mixed.children) * sum(sizes)


def test_the_master_measures_the_whole_model(mixed, first_run):
    report = mixed.master.evaluation(first_run.id, 2)["test"]
    assert sum(map(sum, report["confusion"])) == 8


def test_no_feature_of_a_picture_left_its_site(mixed, first_run, wire):
    whole = b"\n".join(wire.recorded())
    # What was sent would have been seen: the frozen part came through this wire, once.
    frozen = (mixed.state / "master" / "blobs" / first_run.frozen).read_bytes()
    assert whole.count(frozen) == 1
    rows = FeatureArray(feature_file(mixed, ASKING), 256).open()
    assert rows[:, 0].sum() == sum(PICTURES[ASKING].values())
    for row in rows[:, 1:]:
        pieces = row[: 4 * (len(row) // 4)].reshape(-1, 4)
        told = [piece.tobytes() for piece in pieces if piece.all()]
        assert told
        assert not any(piece in whole for piece in told)


def test_a_child_that_is_killed_computes_no_features_again(mixed, first_run):
    before = {site: feature_file(mixed, site) for site in mixed.children}
    held = {site: (path.read_bytes(), path.stat().st_mtime_ns) for site, path in before.items()}
    run = mixed.master.start_run("skin", TWO_ROUNDS).id
    mixed.kill(CALLED)
    mixed.start_child(CALLED)
    assert finished(mixed, run).state == "completed"
    counted(mixed, run)
    assert mixed.master.run(run).frozen == first_run.frozen
    for site, path in before.items():
        assert feature_file(mixed, site) == path
        assert (path.read_bytes(), path.stat().st_mtime_ns) == held[site]
