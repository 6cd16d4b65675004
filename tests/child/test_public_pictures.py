"""A task's public pictures: drawn, fetched and unpacked. No trainer runs; unpacking is its own."""

import threading

import numpy as np
import pytest

from child.agent.batch_fetching import BatchFetcher
from child.agent.batch_servers import batch_servers
from child.batch_cache import BatchCache
from child.public_pictures import GivenUp, PublicPictures, drawn
from child.unpacking import unpack
from child.worker_messages import Unpacked
from federated.errors import FederationError
from federated.plan import AssignedBatches, RandomSets
from federated.signature import signature_of
from federated.wire import encode_weights
from imaging.array_file import PixelArray
from imaging.batch_server import Patience
from imaging.errors import NoPictures
from imaging.resize import to_model_pixels
from imaging.sanitise import sanitise
from serving.worker import WorkerFailed
from serving.worker_main import Call
from tests.child.batch_server import batch_server, pack
from tests.child.conftest import PLAN, STUDY, picture, study_push, task_of

PLENTY = 1 << 50
TRAIN, VALIDATION = 5, 2


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """Three batches of 5 and 2 pictures: pictures 0 to 6, 7 to 13, and 14 to 20."""
    return pack(tmp_path_factory.mktemp("pack") / "skin", 3, TRAIN, VALIDATION)


@pytest.fixture
def served(packed):
    with batch_server(packed.folder) as server:
        yield server


class Gathering:
    """`PublicPictures` on a folder of its own, and what it told."""

    def __init__(self, folder, limit=10**6):
        self.folder = folder
        self.limit = limit
        (folder / "batches").mkdir(parents=True)
        self.cache = BatchCache(folder / "batches", limit, lambda: 1e9, lambda _: PLENTY)
        servers = batch_servers((), "http://127.0.0.1:9")
        fetcher = BatchFetcher(servers, self.cache, Silent(), Patience(pauses=()))
        self.public = PublicPictures(fetcher, self.unpack)
        self.given_up = threading.Event()
        self.notes = []
        self.most_kept = 0

    def unpack(self, request, on_event) -> Unpacked:
        """As the trainer does it."""
        kept = sum(path.stat().st_size for path in (self.folder / "batches").iterdir())
        self.most_kept = max(self.most_kept, kept)
        call = Call(on_event, self.given_up.is_set)
        try:
            return Unpacked.model_validate(unpack(request.model_dump(mode="json"), call))
        except FederationError as error:
            raise WorkerFailed(error.problem, code=error.code) from error

    def gather(self, task):
        """The pictures that train and those that judge, as `(pixels, labels)`."""
        path = self.folder / f"{task.id}-{len(self.notes)}.u8"
        parts = self.public.gather(task, path, self.notes.append, self.given_up)
        pixels = PixelArray(path, task.study.picture_shape).open()
        return [(pixels[list(part.rows)], list(part.labels)) for part in parts]


class Silent:
    """A record that nobody reads."""

    def leave(self, method, path, nbytes, sha256, told=None, norm=None):
        return 0

    def answered(self, number, status):
        pass


@pytest.fixture
def gathering(tmp_path):
    return Gathering(tmp_path / "here")


def task(url, packed, images=None, seed=7, study=STUDY, **changes):
    """A task on the first batch, or on a random set."""
    weights = {"dense/kernel": np.zeros((3, 2), np.float32)}
    data = (
        AssignedBatches(kind="batches", url=url)
        if images is None
        else RandomSets(kind="random", url=url, images=images)
    )
    plan = PLAN.model_copy(update={"data": data})
    push = study_push(encode_weights(weights), signature_of(weights), plan, study=study)
    given = {"batch": packed.assigned(0)} if images is None else {"index": packed.sha256}
    return task_of(push, seed=seed, **{**given, **changes})


def expected(numbers):
    """Pictures by their numbers, as a model sees them, with their class indices."""
    pixels = [
        to_model_pixels(sanitise(picture(number)).pixels, STUDY.size, STUDY.channels)
        for number in numbers
    ]
    return np.stack(pixels), [int(number % 3 == 2) for number in numbers]


def same(found, wanted):
    return bool((found[0] == wanted[0]).all()) and found[1] == wanted[1]


def test_an_assigned_batch_trains_on_its_one_part_and_judges_on_the_other(
    gathering, packed, served
):
    train, validation = gathering.gather(task(served.url, packed))
    assert same(train, expected(range(TRAIN)))
    assert same(validation, expected(range(TRAIN, TRAIN + VALIDATION)))


def test_it_tells_what_it_does(gathering, packed, served):
    gathering.gather(task(served.url, packed))
    assert gathering.notes[0] == "fetching batch 1 of 1"
    assert "fetching batch 1 of 1, 0.0 of 0.0 MB" in gathering.notes
    assert any(note.startswith("reading batch 1 of 1") for note in gathering.notes)
    gathering.gather(task(served.url, packed, images=10))
    assert "fetching the index of the batches" in gathering.notes
    assert "fetching batch 3 of 3" in gathering.notes


def test_classes_are_matched_by_name(gathering, packed, served):
    study = STUDY.model_copy(update={"classes": ("other", "malignant", "benign")})
    (_, labels), _ = gathering.gather(task(served.url, packed, study=study))
    assert labels == [2, 2, 1, 2, 2]


def test_a_random_set_is_what_the_seed_draws(gathering, packed, served):
    shares = drawn(packed.index, 9, seed=7)
    firsts = {
        entry.sha256: number * (TRAIN + VALIDATION)
        for number, entry in enumerate(packed.index.batches)
    }
    train, validation = gathering.gather(task(served.url, packed, images=9))
    numbers = [firsts[share.batch.sha256] + place for share in shares for place in share.train]
    judging = [
        firsts[share.batch.sha256] + TRAIN + place for share in shares for place in share.validation
    ]
    # 9 of 15 training pictures, so 9/15 of the 6 others, rounded: 4.
    assert (len(numbers), len(set(numbers)), len(judging)) == (9, 9, 4)
    assert same(train, expected(numbers))
    assert same(validation, expected(judging))


def test_another_seed_draws_another_set(packed):
    draws = {drawn(packed.index, 9, seed) for seed in range(20)}
    assert len(draws) == 20
    assert drawn(packed.index, 9, 7) == drawn(packed.index, 9, 7)


def test_a_set_larger_than_there_is(gathering, packed, served):
    with pytest.raises(NoPictures):
        gathering.gather(task(served.url, packed, images=16))


def test_a_set_larger_than_the_cache_goes_through_batch_by_batch(packed, served, tmp_path):
    roomy = Gathering(tmp_path / "roomy")
    wanted = roomy.gather(task(served.url, packed, images=14))
    largest = max(entry.bytes for entry in packed.index.batches)
    tight = Gathering(tmp_path / "tight", limit=largest)
    found = tight.gather(task(served.url, packed, images=14))
    assert all(same(one, other) for one, other in zip(found, wanted, strict=True))
    assert roomy.most_kept == sum(entry.bytes for entry in packed.index.batches)
    assert tight.most_kept <= largest


def test_what_is_here_already_is_used_first_and_changes_nothing(packed, served, tmp_path):
    largest = max(entry.bytes for entry in packed.index.batches)
    tight = Gathering(tmp_path / "tight", limit=largest)
    first = tight.gather(task(served.url, packed, images=14))
    asked = len(served.asked)
    again = tight.gather(task(served.url, packed, images=14))
    assert all(same(one, other) for one, other in zip(again, first, strict=True))
    # The index, and two of the three batches: the third is the one that was used last.
    assert len(served.asked) - asked == 3


def test_a_task_given_up_while_it_fetches(gathering, packed, served):
    served.held.clear()
    done = []

    def run():
        with pytest.raises(GivenUp):
            gathering.gather(task(served.url, packed))
        done.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    served.wait_for(packed.file(0).name)
    gathering.given_up.set()
    served.held.set()
    thread.join(30)
    assert done
    assert not gathering.cache.holds(packed.assigned(0))


def test_a_task_given_up_while_it_reads(gathering, packed, served):
    def give_up(note):
        if note == "reading batch 1 of 1":
            gathering.given_up.set()

    with pytest.raises(GivenUp):
        gathering.public.gather(
            task(served.url, packed), gathering.folder / "x.u8", give_up, gathering.given_up
        )
    # What was fetched is good for another time.
    assert gathering.cache.holds(packed.assigned(0))


def test_a_class_that_the_study_does_not_have(gathering, served, packed):
    study = STUDY.model_copy(update={"classes": ("benign", "other")})
    with pytest.raises(WorkerFailed) as failure:
        gathering.gather(task(served.url, packed, study=study))
    assert failure.value.code == "unknown_label"


def test_a_batch_that_spoiled_on_this_disk_is_forgotten(gathering, packed, served):
    gathering.gather(task(served.url, packed))
    path = gathering.cache.path(packed.assigned(0))
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(WorkerFailed) as failure:
        gathering.gather(task(served.url, packed))
    assert failure.value.code == "broken_batch"
    assert not gathering.cache.holds(packed.assigned(0))
    train, _ = gathering.gather(task(served.url, packed))
    assert same(train, expected(range(TRAIN)))


@pytest.mark.parametrize(("images", "missing"), [(None, "batch"), (9, "index")])
def test_a_task_that_names_no_batch(gathering, packed, served, images, missing):
    with pytest.raises(FederationError) as failure:
        gathering.gather(task(served.url, packed, images, **{missing: None}))
    assert failure.value.code == "no_batch"
    assert served.asked == []
