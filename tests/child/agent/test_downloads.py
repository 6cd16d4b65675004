"""Weights over lines that break, and models that heartbeats name."""

import hashlib
import itertools
import random
import threading
from collections import deque

import numpy as np
import pytest

from child.agent.answers import MasterAway, MasterRefused
from child.agent.backoff import Backoff
from child.agent.download import Download
from child.agent.downloads import Downloads
from federated.signature import signature_of
from federated.wire import encode_weights
from tests.child.conftest import named, study_push, task_of
from tests.child.pull_master import HANG_UP, Reply


@pytest.fixture
def large(asked):
    """A model of 800 kB at the master, and its bytes."""
    weights = {"dense/kernel": np.random.default_rng(5).random((400, 500), np.float32)}
    blob = encode_weights(weights)
    asked.keep(blob)
    return study_push(blob, signature_of(weights)), blob


@pytest.fixture
def fetch(pulling):
    """Fetches weights without waiting between tries."""

    def run(push, tries=60):
        client, node = pulling.child.client, pulling.child.enrolment.node
        backoff = Backoff(random.Random(2), first=0)
        download = Download(
            lambda start: client.weights(node, push.weights, start),
            lambda _: False,
            backoff,
            tries=tries,
        )
        pieces = iter(lambda: download.read(1 << 20), b"")
        try:
            return b"".join(pieces)
        finally:
            download.close()

    return run


def ranges(asked):
    """The `Range` of each GET of weights."""
    return [call.headers.get("Range") for call in asked.calls if "/weights/" in call.path]


def test_a_transfer_goes_on_where_it_broke_off(fetch, asked, large):
    push, blob = large
    asked.faults["weights"] = deque([Reply(cut=300_000), HANG_UP, Reply(cut=200_000)])
    assert fetch(push) == blob
    assert ranges(asked) == [None, "bytes=300000-", "bytes=300000-", "bytes=500000-"]
    # A part of other bytes than before would come as a whole file.
    conditions = [call.headers.get("If-Range") for call in asked.calls if "weights" in call.path]
    assert conditions == [None, *[f'"{push.weights}"'] * 3]


def test_a_master_that_is_away_for_a_moment(fetch, asked, large):
    push, blob = large
    asked.faults["weights"] = deque([Reply(503), Reply(cut=100_000), Reply(502)])
    assert fetch(push) == blob
    assert ranges(asked)[-1] == "bytes=100000-"


def test_a_server_that_sends_everything_again(fetch, asked, large):
    push, blob = large
    asked.faults["weights"] = deque([Reply(cut=300_000), Reply(200, data=blob)])
    assert fetch(push) == blob


def test_a_part_that_nobody_asked_for_is_not_mixed_in(fetch, asked, large):
    push, blob = large
    elsewhere = Reply(206, headers={"Content-Range": "bytes 7-799/800"}, data=blob[7:])
    short = Reply(200, data=blob[:5])
    asked.faults["weights"] = deque([Reply(cut=300_000), elsewhere, short, Reply(204)])
    assert fetch(push) == blob


def test_a_refusal_ends_a_transfer(fetch, asked, large):
    asked.faults["weights"] = deque([Reply(cut=1000), Reply(404)])
    with pytest.raises(MasterRefused):
        fetch(large[0])


def test_a_transfer_that_gets_no_further_is_given_up(fetch, asked, large):
    # A few bytes each time are progress, however often it breaks; nothing at all is none.
    asked.faults["weights"] = deque([Reply(cut=10)] * 9 + [HANG_UP] * 9)
    with pytest.raises(MasterAway):
        fetch(large[0], tries=5)
    assert ranges(asked)[-1] == "bytes=90-"
    assert len(ranges(asked)) == 9 + 4


def test_a_stop_ends_a_transfer(pulling, asked, model):
    push = model()
    asked.faults["weights"] = deque([HANG_UP] * 100)
    pulling.child.pull.stop()
    with pytest.raises(MasterAway):
        pulling.child.pull.updates._downloads.weights(push.weights, push.signature)
    assert len(ranges(asked)) == 1


def test_every_try_is_a_departure(fetch, pulling, asked, large):
    asked.faults["weights"] = deque([Reply(cut=300_000), HANG_UP])
    fetch(large[0])
    latest = pulling.child.departures.latest(3)[::-1]
    assert [departure.status for departure in latest] == [200, None, 206]


def test_weights_are_whole_after_a_break(pulling, asked, large):
    push, _ = large
    asked.faults["weights"] = deque([Reply(cut=300_000)])
    pulling.child.pull.hear([push])
    pulling.child.pull.updates.fetch()
    kept = pulling.child.blobs.path(push.weights).read_bytes()
    assert hashlib.sha256(kept).hexdigest() == push.weights
    assert pulling.child.studies.get("skin").current == push


def test_two_who_want_the_same_weights_fetch_them_once(pulling, asked, large):
    push, _ = large
    downloads = pulling.child.pull.updates._downloads
    threads = [threading.Thread(target=downloads.model, args=(push,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ranges(asked)) == 1
    assert pulling.child.studies.get("skin").current == push


def test_a_heartbeats_answer_brings_the_first_model_and_the_next(pulling, asked, model):
    child = pulling.child
    for number, value in enumerate((0.5, 1.25)):
        push = model(value, run="run-1" if number else None, round=number)
        asked.models = {"skin": push}
        child.heartbeats.beat()
        child.heartbeats._changed.clear()
        child.pull.updates.fetch()
        assert child.studies.get("skin").current == push
        # The master hears at once that the model is here, and names it no more.
        assert child.heartbeats._changed.is_set()
        child.heartbeats.beat()
        assert not child.pull.updates._wanted
    status = pulling.client.get("/api/v1/status", headers=pulling.site).json
    assert status["studies"][0]["weights"] == push.weights
    assert status["studies"][0]["round"] == 1


def test_a_child_with_an_address_fetches_nothing(make_child, asked, model):
    child = make_child(master=asked.url, url="http://child.example")
    asked.models = {"skin": model()}
    child.heartbeats.beat()
    assert child.studies.all() == []


def test_only_the_newest_of_several_models_is_fetched(pulling, asked, model):
    first, second = model(1.0), model(2.0)
    pulling.child.pull.hear([first])
    pulling.child.pull.hear([second])
    pulling.child.pull.updates.fetch()
    pulling.child.pull.updates.fetch()
    assert asked.paths("weights") == [f"GET /weights/{second.weights}"]


def test_a_model_that_cannot_be_had_now_is_tried_when_it_is_named_again(pulling, asked, model):
    push = model()
    updates = pulling.child.pull.updates
    asked.faults["weights"] = deque([Reply(404), Reply(401)])
    for _ in range(3):
        updates.hear([push])
        updates.fetch()
    assert len(ranges(asked)) == 3
    assert pulling.child.studies.get("skin").current == push


def test_a_model_that_is_broken_costs_one_transfer(pulling, asked, model):
    push, good = model(1.0), model(2.0)
    asked.blobs[push.weights] = b"other bytes"
    updates = pulling.child.pull.updates
    for _ in range(3):
        updates.hear([push])
        updates.fetch()
    assert len(ranges(asked)) == 1
    assert pulling.child.studies.get("skin").current is None
    updates.hear([good])
    updates.fetch()
    assert pulling.child.studies.get("skin").current == good


def test_a_model_for_other_pictures_is_not_taken(pulling, asked, model):
    push = model()
    pulling.child.pull.hear([push])
    pulling.child.pull.updates.fetch()
    pulling.upload(*named(2))
    other = push.study.model_copy(update={"classes": ("a", "b")})
    pulling.child.pull.hear([model(2.0, study=other)])
    pulling.child.pull.updates.fetch()
    assert pulling.child.studies.get("skin").current == push


def test_a_model_that_the_master_names_again_and_again_causes_no_calls(pulling, asked, model):
    push = model()
    updates = pulling.child.pull.updates
    for number in range(3):
        updates.hear([push])
        updates.fetch()
        assert pulling.child.heartbeats._changed.is_set() == (number == 0)
        pulling.child.heartbeats._changed.clear()
    assert len(ranges(asked)) == 1


def test_a_long_transfer_shows_now_and_then_that_the_site_lives(pulling, asked, large):
    """No poll and no task does so meanwhile."""
    child, (push, _) = pulling.child, large
    times = itertools.count(0, 2)
    signs = []
    downloads = Downloads(
        child.client,
        child.enrolment,
        child.models,
        child.blobs,
        lambda: signs.append(None),
        random.Random(1),
        lambda: next(times),
    )
    asked.faults["weights"] = deque([Reply(cut=length) for length in range(10, 210, 10)])
    downloads._stopped.wait = lambda _: False
    downloads.weights(push.weights, push.signature)
    # 21 pieces or more, each two seconds after the one before, and a sign every six at most.
    assert 5 <= len(signs) <= next(times) / 6
    assert child.blobs.has(push.weights)


def test_a_slow_transfer_holds_up_no_heartbeat(pulling, asked, model):
    """The lease of the task under way hangs on them."""
    push = model()
    asked.models = {"skin": push}
    asked.offer(task_of(push))
    child = pulling.child
    begun, release = threading.Event(), threading.Event()
    weights = child.client.weights

    def slowly(*arguments):
        begun.set()
        release.wait(30)
        return weights(*arguments)

    child.client.weights = slowly
    child.pull.start()
    try:
        child.heartbeats.beat()
        assert begun.wait(30)
        before = len(asked.paths("heartbeat"))
        child.heartbeats.beat()
        assert len(asked.paths("heartbeat")) == before + 1
    finally:
        release.set()
        asked.wait_for(lambda: asked.states["task-1"] == "leased")
