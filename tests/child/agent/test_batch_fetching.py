"""Fetching from a real HTTP server that breaks off, lies, or is not there."""

import resource
import shutil
import threading

import pytest

from child.agent.batch_fetching import BatchFetcher
from child.agent.batch_servers import batch_servers
from child.batch_cache import SPARE_BYTES, BatchCache
from federated.errors import Conflict, NotAllowed, StorageFailure
from federated.messages import AssignedBatch
from imaging.batch_index import INDEX
from imaging.batch_server import Patience
from imaging.errors import BatchServerAway, BatchServerRefused, BrokenBatch, NoSuchBatch
from tests.child.batch_server import batch_server, pack

PLENTY = 1 << 50
BROKEN = 700_000


class Stopped(Exception):
    """What a caller raises who no longer wants the file."""


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    # Larger than what lies ready in a connection: some of it always arrives before it breaks.
    size = (200, 200)
    return pack(tmp_path_factory.mktemp("pack") / "skin", 2, train=5, validation=2, size=size)


@pytest.fixture
def served(packed):
    with batch_server(packed.folder) as server:
        yield server


@pytest.fixture
def child(make_child):
    return make_child()


@pytest.fixture
def fetcher(child):
    return make_fetcher(child)


def make_fetcher(child, pauses=(0.0,), free=PLENTY, named=()):
    cache = BatchCache(child.state.batches, 10**6, lambda: 1e9, lambda _: free)
    servers = batch_servers(named, "http://127.0.0.1:9")
    return BatchFetcher(servers, cache, child.departures, Patience(pauses=pauses))


def fetch(fetcher, url, batch, on_bytes=lambda _: None):
    return fetcher.fetch(url, batch, on_bytes, lambda _: None)


def departures(child):
    return [(one.method, one.path, one.nbytes, one.status) for one in child.departures.latest(9)]


def files(child):
    return {path.name: path.stat().st_size for path in child.state.batches.iterdir()}


def test_a_batch_comes_once_and_the_call_is_on_record(child, fetcher, packed, served):
    batch, heard = packed.assigned(0), []
    path = fetch(fetcher, served.url, batch, heard.append)
    assert path.read_bytes() == packed.file(0).read_bytes()
    assert (heard[0], heard[-1]) == (0, batch.bytes)
    assert fetch(fetcher, served.url, batch) == path
    assert served.asked == [(packed.file(0).name, 0)]
    host = served.url.removeprefix("http://")
    assert departures(child) == [("GET", f"{host}/{packed.file(0).name}", 0, 200)]


def test_a_folder_is_read_and_nothing_leaves(child, fetcher, packed):
    for url in (str(packed.folder), f"file://{packed.folder}"):
        assert fetch(fetcher, url, packed.assigned(1)).exists()
        fetcher.discard(packed.assigned(1))
    assert departures(child) == []


def test_a_transfer_that_breaks_off_is_gone_on_with(child, fetcher, packed, served):
    served.breaks = [BROKEN]
    path = fetch(fetcher, served.url, packed.assigned(0))
    assert path.read_bytes() == packed.file(0).read_bytes()
    (_, first), (_, second) = served.asked
    assert first == 0
    assert 0 < second <= BROKEN


def test_what_came_before_a_restart_is_not_asked_for_again(child, packed, served):
    served.breaks = [BROKEN]
    with pytest.raises(BatchServerAway):
        fetch(make_fetcher(child, pauses=()), served.url, packed.assigned(0))
    ((name, came),) = files(child).items()
    assert name == f"{packed.file(0).name}.part"
    assert 0 < came <= BROKEN
    path = fetch(make_fetcher(child), served.url, packed.assigned(0))
    assert path.read_bytes() == packed.file(0).read_bytes()
    assert [start for _, start in served.asked] == [0, came]


def test_a_task_that_is_given_up_stops_the_transfer_and_keeps_what_came(
    child, fetcher, packed, served
):
    def stop(here):
        if here > 0:
            raise Stopped

    served.held.clear()
    with pytest.raises(Stopped):
        fetch(fetcher, served.url, packed.assigned(0), stop)
    ((name, size),) = files(child).items()
    assert name.endswith(".part")
    assert 0 < size < packed.assigned(0).bytes
    assert departures(child)[0][3] is None


def test_a_wait_between_two_tries_can_be_ended(child, packed, served):
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        raise Stopped

    served.breaks = [100]
    with pytest.raises(Stopped):
        make_fetcher(child, pauses=(17.0,)).fetch(
            served.url, packed.assigned(0), lambda _: None, sleep
        )
    assert waits == [17.0]


def test_other_bytes_than_named_are_refused_and_leave_nothing(child, fetcher, packed, tmp_path):
    forged = packed.file(0).read_bytes()[:-1] + b"\0"
    (tmp_path / "forged").mkdir()
    (tmp_path / "forged" / packed.file(0).name).write_bytes(forged)
    with batch_server(tmp_path / "forged") as server, pytest.raises(BrokenBatch):
        fetch(fetcher, server.url, packed.assigned(0))
    assert files(child) == {}


def test_a_longer_file_than_named_is_refused(child, fetcher, packed, served):
    short = packed.assigned(0).model_copy(update={"bytes": packed.assigned(0).bytes - 1})
    with pytest.raises(BrokenBatch):
        fetch(fetcher, served.url, short)
    assert files(child) == {}


def test_a_batch_that_is_not_there(child, fetcher, served):
    with pytest.raises(NoSuchBatch):
        fetch(fetcher, served.url, AssignedBatch(sha256="0" * 64, bytes=10))
    assert [status for *_, status in departures(child)] == [404]


def test_a_server_that_is_not_there(child, packed):
    with pytest.raises(BatchServerAway):
        fetch(make_fetcher(child), "http://127.0.0.1:9/skin", packed.assigned(0))
    assert files(child) == {}


def test_a_server_that_is_not_allowed_is_not_asked_not_even_for_what_is_here(
    child, fetcher, packed, served
):
    fetch(fetcher, served.url, packed.assigned(0))
    strict = make_fetcher(child, named=("https://x.example",))
    for call in (
        lambda: fetch(strict, served.url, packed.assigned(0)),
        lambda: fetch(strict, served.url, packed.assigned(1)),
        lambda: strict.index(served.url, packed.sha256, lambda _: None),
    ):
        with pytest.raises(NotAllowed):
            call()
    assert len(served.asked) == 1
    assert len(departures(child)) == 1


def test_a_disk_without_room_asks_for_nothing(child, packed, served):
    full = make_fetcher(child, free=SPARE_BYTES)
    with pytest.raises(StorageFailure):
        fetch(full, served.url, packed.assigned(0))
    assert served.asked == []
    assert files(child) == {}


def test_a_disk_that_refuses_in_the_middle_leaves_nothing_half_written(
    child, fetcher, packed, served
):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))
    try:
        with pytest.raises(StorageFailure):
            fetch(fetcher, served.url, packed.assigned(0))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert files(child) == {}
    assert fetch(fetcher, served.url, packed.assigned(0)).exists()


def test_a_spoiled_file_is_fetched_again_once_forgotten(child, fetcher, packed, served):
    path = fetch(fetcher, served.url, packed.assigned(0))
    path.write_bytes(b"\0" * packed.assigned(0).bytes)
    fetcher.discard(packed.assigned(0))
    fetch(fetcher, served.url, packed.assigned(0))
    assert path.read_bytes() == packed.file(0).read_bytes()


def test_the_index_of_the_task(child, fetcher, packed, served):
    assert fetcher.index(served.url, packed.sha256, lambda _: None) == packed.index
    host = served.url.removeprefix("http://")
    assert departures(child) == [("GET", f"{host}/{INDEX}", 0, 200)]


def test_another_index_than_when_the_run_began(fetcher, served):
    with pytest.raises(Conflict, match="another index") as changed:
        fetcher.index(served.url, "0" * 64, lambda _: None)
    assert changed.value.code == "index_changed"


def test_a_slow_server_lets_what_came_count(child, fetcher, packed, served):
    served.held.clear()
    heard = []

    def hear(here):
        heard.append(here)
        served.held.set()

    timer = threading.Timer(0.2, served.held.set)
    timer.start()
    assert fetch(fetcher, served.url, packed.assigned(0), hear).exists()
    timer.join()
    assert heard[-1] == packed.assigned(0).bytes


def test_a_bucket_is_read_with_the_sites_keys_only_where_its_operator_named_it(
    child, packed, s3_server
):
    """A plan comes from elsewhere: what it names is not to be read in this site's name."""
    shutil.copytree(packed.folder, s3_server.bucket("skin") / "v1")
    url, batch = "s3://skin/v1", packed.assigned(0)
    by_default, named = make_fetcher(child), make_fetcher(child, named=("s3://skin",))
    with pytest.raises(BatchServerRefused, match="anyone may read"):
        by_default.index(url, packed.sha256, lambda _: None)
    with pytest.raises(BatchServerRefused, match="anyone may read"):
        fetch(by_default, url, batch)
    assert named.index(url, packed.sha256, lambda _: None) == packed.index
    assert fetch(named, url, batch).read_bytes() == packed.file(0).read_bytes()
