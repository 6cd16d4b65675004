"""The cache of batches: files that come and go; what fetches them is not here."""

import os

import pytest

from child.batch_cache import PART_SECONDS, SPARE_BYTES, BatchCache
from federated.errors import StorageFailure, TooLarge
from federated.messages import AssignedBatch

PLENTY = 1 << 50


def batch(number: int, nbytes: int = 40) -> AssignedBatch:
    return AssignedBatch(sha256=f"{number:064x}", bytes=nbytes)


@pytest.fixture
def make_cache(tmp_path, clock):
    def make(limit=100, free=PLENTY):
        """A cache on a disk that has `free` bytes beside what the cache holds."""

        def room(folder):
            return free - sum(path.stat().st_size for path in folder.iterdir())

        return BatchCache(tmp_path, limit, clock, room)

    return make


def put(cache: BatchCache, one: AssignedBatch, nbytes: int | None = None) -> None:
    """What a fetch leaves: the file, whole or in part."""
    path = cache.path(one)
    if nbytes is not None:
        path.with_name(path.name + ".part").write_bytes(bytes(nbytes))
        return
    cache.make_room(one)
    path.write_bytes(bytes(one.bytes))
    cache.used(one)


def names(folder) -> set[str]:
    return {
        path.name[60:64] + path.suffix.removesuffix(".safetensors") for path in folder.iterdir()
    }


def test_what_was_used_longest_ago_goes_first(make_cache):
    cache = make_cache(limit=100)
    put(cache, batch(1))
    put(cache, batch(2))
    cache.used(batch(1))
    put(cache, batch(3))
    assert [cache.holds(batch(number)) for number in (1, 2, 3)] == [True, False, True]


def test_as_much_goes_as_the_new_one_needs_and_no_more(make_cache):
    cache = make_cache(limit=100)
    for number, nbytes in ((1, 30), (2, 30), (3, 30)):
        put(cache, batch(number, nbytes))
    # 90 of 100 bytes are taken: one of 41 needs two of 30 to go, one of 40 too, one of 10 none.
    put(cache, batch(4, 10))
    assert all(cache.holds(batch(number, 30)) for number in (1, 2, 3))
    put(cache, batch(5, 41))
    assert [cache.holds(batch(number, 30)) for number in (1, 2, 3)] == [False, False, True]
    assert cache.holds(batch(4, 10))


def test_a_batch_larger_than_the_cache_is_refused_and_costs_nothing(make_cache):
    cache = make_cache(limit=100)
    put(cache, batch(1))
    with pytest.raises(TooLarge, match="--batch-cache-mb") as refusal:
        cache.make_room(batch(2, 101))
    assert refusal.value.code == "batch_cache_too_small"
    assert cache.holds(batch(1))
    cache.make_room(batch(2, 100))


def test_a_full_disk_takes_room_from_the_cache_first(make_cache):
    cache = make_cache(limit=1000, free=SPARE_BYTES + 100)
    put(cache, batch(1))
    put(cache, batch(2))
    put(cache, batch(3))
    assert [cache.holds(batch(number)) for number in (1, 2, 3)] == [False, True, True]


def test_a_disk_that_is_full_of_other_things_is_told_and_costs_no_batch(make_cache):
    put(make_cache(limit=1000), batch(1))
    cache = make_cache(limit=1000, free=SPARE_BYTES + 99)
    with pytest.raises(StorageFailure, match="no room"):
        cache.make_room(batch(2, 100))
    assert cache.holds(batch(1))


def test_its_own_part_counts_as_there_and_is_not_removed(make_cache, tmp_path):
    cache = make_cache(limit=100, free=SPARE_BYTES + 100)
    put(cache, batch(1, 100), nbytes=70)
    cache.make_room(batch(1, 100))
    assert names(tmp_path) == {"0001.part"}


def test_parts_of_others_count_and_go_like_whole_files(make_cache, tmp_path):
    cache = make_cache(limit=100)
    put(cache, batch(1, 90), nbytes=70)
    cache.make_room(batch(2, 31))
    assert names(tmp_path) == set()


def test_a_file_of_another_size_is_not_the_batch(make_cache):
    cache = make_cache()
    cache.path(batch(1)).write_bytes(bytes(39))
    assert not cache.holds(batch(1))


def test_a_start_removes_transfers_that_nobody_went_on_with(make_cache, tmp_path, clock):
    cache = make_cache()
    for number, age in ((1, PART_SECONDS + 60), (2, PART_SECONDS - 60)):
        put(cache, batch(number), nbytes=7)
        path = cache.path(batch(number))
        os.utime(path.with_name(path.name + ".part"), (clock() - age, clock() - age))
    put(cache, batch(3))
    os.utime(cache.path(batch(3)), (0, 0))
    cache.tidy()
    assert names(tmp_path) == {"0002.part", "0003"}


def test_a_start_keeps_to_a_limit_that_was_lowered(make_cache):
    cache = make_cache(limit=100)
    put(cache, batch(1))
    put(cache, batch(2))
    make_cache(limit=79).tidy()
    assert [cache.holds(batch(number)) for number in (1, 2)] == [False, True]


def test_forgetting_takes_the_part_too(make_cache, tmp_path):
    cache = make_cache()
    put(cache, batch(1))
    put(cache, batch(1), nbytes=7)
    cache.discard(batch(1))
    cache.discard(batch(2))
    assert names(tmp_path) == set()
