"""Runs on public pictures: real servers, a real batch server, and children with no pictures."""

from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from federated.plan import AssignedBatches, RandomSets
from federated.study import Study
from imaging.__main__ import main
from tests.e2e.averaging import assert_averaged
from tests.e2e.running import SITES, finished, holds_model, plan, wait_for
from tests.in_thread import serving

STUDY = Study(id="public", name="Public", classes=("benign", "malignant"), size=16)
BATCHES, TRAIN, VALIDATION = 5, 7, 4


@contextmanager
def served(folder):
    """The folder at an address, and the paths that were asked for."""
    asked = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            asked.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder))
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}/skin", asked


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Batches of synthetic pictures, as an operator makes them."""
    folder = tmp_path_factory.mktemp("public")
    draw = {"count": 60, "audit": 2, "test": 2, "size": 16, "seed": 3}
    pack = {"count": BATCHES, "train": TRAIN, "validation": VALIDATION}
    assert main(["synthetic", "--out", str(folder / "drawn"), *options(draw)]) == 0
    data = ["--data", str(folder / "drawn"), "--out", str(folder / "skin")]
    assert main(["batches", *data, *options(pack)]) == 0
    with served(folder) as server:
        yield server


def options(values):
    return [word for name, value in values.items() for word in (f"--{name}", str(value))]


@pytest.fixture(scope="module")
def study(running):
    running.master.create_study(STUDY, plan())
    wait_for(lambda: holds_model(running, STUDY.id), "the first model at every child")
    return STUDY.id


def rounds_of(running, study, **changes):
    """The rounds of a run that has come to its end."""
    run = running.master.start_run(study, plan(rounds=2, **changes))
    over = finished(running, run.id)
    assert over.state == "completed", running.master.events(run.id)
    rounds = running.master.rounds(run.id)
    assert [one.number for one in rounds] == [1, 2]
    for one in rounds:
        assert {update.node_name for update in one.updates} == set(SITES)
        counted = [(update.num_examples, update.sha256) for update in one.updates]
        assert_averaged(running.state, one.weights_before, one.weights_after, counted)
    return rounds


def test_each_site_trains_on_a_batch_of_its_own(running, study, server):
    url, asked = server
    rounds = rounds_of(running, study, data=AssignedBatches(kind="batches", url=url))
    names = {path.rpartition("/")[2].partition(".")[0] for path in asked}
    for one in rounds:
        batches = [task.batch for task in one.tasks]
        assert len(set(batches)) == 2
        assert set(batches) <= names
        for update in one.updates:
            assert update.num_examples == TRAIN
            assert update.metrics["val_examples"] == VALIDATION


def test_each_site_draws_a_set_of_its_own_and_anew_each_round(running, study, server):
    url, _ = server
    data = RandomSets(kind="random", url=url, images=15)
    rounds = rounds_of(running, study, data=data)
    updates = [update for one in rounds for update in one.updates]
    # 15 of 35 training pictures, and as large a share of the 20 others: 9 (8.57).
    assert {(one.num_examples, one.metrics["val_examples"]) for one in updates} == {(15, 9)}
    assert len({one.sha256 for one in updates}) == 4


def test_the_sites_kept_the_batches_and_wrote_down_each_fetch(running, study, server):
    url, asked = server
    host = url.removeprefix("http://")
    for site in SITES:
        kept = {path.name for path in (running.state / "children" / site / "batches").iterdir()}
        departures = running.children[site].get("/participation", limit=10_000)["departures"]
        fetched = [one for one in departures if one["path"].startswith(host)]
        assert len(kept) >= 2
        assert kept <= {one["path"].rpartition("/")[2] for one in fetched}
        assert {(one["method"], one["nbytes"], one["status"]) for one in fetched} == {
            ("GET", 0, 200)
        }
        assert all(f"/skin/{name}" in " ".join(asked) for name in kept)
        assert running.children[site].get("/images", study=study)["total"] == 0
