"""Who is drawn for a round, and what each gets."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest

from federated.plan import Plan
from federated.states import NodeState
from imaging.batch_index import BatchEntry, BatchIndex
from master.coordinator.assignment import Slot, draw, draw_order, slots_of, substitute
from master.store.nodes import Site

OWN = Plan(seed=5)
BATCHES = Plan.model_validate({"seed": 5, "data": {"kind": "batches", "url": "/srv/skin"}})
RANDOM = Plan.model_validate(
    {"seed": 5, "data": {"kind": "random", "url": "/srv/skin", "images": 60}}
)


def sites(count: int, prefix: str = "id") -> list[Site]:
    return [
        Site(
            id=f"{prefix}-{number}",
            name=f"clinic-{number}",
            state=NodeState.ACTIVE,
            url=None,
            reachable=True,
            counts={"benign": 10 + number, "malignant": 3},
        )
        for number in range(count)
    ]


def index(count: int) -> BatchIndex:
    return BatchIndex(
        classes=("benign", "malignant"),
        batches=tuple(
            BatchEntry(
                sha256=hashlib.sha256(str(number).encode()).hexdigest(),
                bytes=1000 + number,
                train={"benign": 7, "malignant": number},
                validation={"benign": 1},
            )
            for number in range(count)
        ),
    )


def rounds_of(plan: Plan, batches: BatchIndex, numbers: list[int]) -> list[tuple[Slot, ...]]:
    """Rounds one after the other, with so many sites each."""
    done: list[tuple[Slot, ...]] = []
    for number, count in enumerate(numbers, start=1):
        dealt = sum(len(slots) for slots in done)
        done.append(slots_of(plan, batches, number, sites(count), dealt=dealt))
    return done


@pytest.mark.parametrize(
    ("fraction", "minimum", "count", "drawn"),
    [(1.0, 1, 7, 7), (0.5, 1, 7, 4), (0.1, 3, 7, 3), (0.1, 9, 7, 7), (0.7, 1, 10, 7)],
)
def test_a_round_draws_its_share_of_the_sites(
    fraction: float, minimum: int, count: int, drawn: int
) -> None:
    plan = Plan.model_validate({"sampling": {"fraction": fraction, "minimum": minimum}})
    there = sites(count)
    chosen, left = draw(there, plan, 1)
    assert (len(chosen), len(left)) == (drawn, count - drawn)
    assert sorted(chosen + left, key=lambda site: site.name) == there
    for part in (chosen, left):
        assert [site.name for site in part] == sorted(site.name for site in part)


def test_every_site_is_drawn_as_often_as_chance_has_it() -> None:
    plan = Plan.model_validate({"sampling": {"fraction": 0.25}, "seed": 3})
    drawn = Counter(
        site.name for number in range(1, 401) for site in draw(sites(8), plan, number)[0]
    )
    # 2 of 8 in each of 400 rounds: 100 each, with a standard deviation of 8.7.
    assert sum(drawn.values()) == 800
    assert all(65 <= times <= 135 for times in drawn.values())


def test_draws_repeat_with_other_ids_and_change_with_the_seed_and_the_round() -> None:
    def names(plan: Plan, number: int, prefix: str = "id") -> list[str]:
        return [site.name for site in draw_order(sites(9, prefix), plan, number)]

    assert names(OWN, 1) == names(OWN, 1, "another")
    assert names(OWN, 1) != names(OWN, 2)
    assert names(OWN, 1) != names(Plan(seed=6), 1)


def test_own_pictures_have_the_seed_that_they_had_before_there_were_slots() -> None:
    slots = slots_of(OWN, None, 3, sites(2))
    digests = [hashlib.sha256(f"5/3/clinic-{n}".encode()).digest()[:8] for n in range(2)]
    assert [slot.seed for slot in slots] == [int.from_bytes(d, "big") % 2**31 for d in digests]
    assert [slot.name for slot in slots] == ["node/id-0", "node/id-1"]
    assert [slot.pictures for slot in slots] == [13, 14]
    assert [slot.batch for slot in slots] == [None, None]


@pytest.mark.parametrize(
    "numbers", [[3] * 10, [10, 10], [7, 2, 10, 1, 5], [4] * 7, [1] * 30, [10, 3, 0, 7]]
)
def test_every_batch_is_used_as_often_as_any_other(numbers: list[int]) -> None:
    done = rounds_of(BATCHES, index(10), numbers)
    for slots in done:
        assert len({slot.name for slot in slots}) == len(slots)
    used = Counter(slot.name for slots in done for slot in slots)
    times = [used[f"batch/{entry.sha256}"] for entry in index(10).batches]
    assert sum(times) == sum(numbers)
    assert max(times) - min(times) <= 1


def test_a_batch_comes_with_its_size_and_its_training_pictures() -> None:
    by_name = {f"batch/{entry.sha256}": entry for entry in index(4).batches}
    for slot in slots_of(BATCHES, index(4), 1, sites(4)):
        entry = by_name[slot.name]
        assert slot.batch is not None
        assert (slot.batch.sha256, slot.batch.bytes) == (entry.sha256, entry.bytes)
        assert slot.pictures == 7 + entry.train["malignant"]


def test_sites_beyond_the_batches_get_none_and_not_always_the_same_ones() -> None:
    done = rounds_of(BATCHES, index(3), [5] * 40)
    assert {len(slots) for slots in done} == {3}
    working = Counter(slot.site.name for slots in done for slot in slots)
    # 3 of 5 in each of 40 rounds: 24 each, with a standard deviation of 3.1.
    assert len(working) == 5
    assert all(12 <= times <= 36 for times in working.values())


def test_a_site_does_not_always_get_the_same_batch() -> None:
    done = rounds_of(BATCHES, index(4), [4] * 12)
    of_one = {slot.name for slots in done for slot in slots if slot.site.name == "clinic-0"}
    assert len(of_one) > 1


@pytest.mark.parametrize("plan", [OWN, BATCHES, RANDOM])
def test_the_same_seed_deals_the_same_whatever_the_ids(plan: Plan) -> None:
    one, two = (slots_of(plan, index(6), 2, sites(4, ids)) for ids in ("id", "another"))
    other = slots_of(plan.model_copy(update={"seed": 6}), index(6), 2, sites(4))
    dealt = [(slot.site.name, slot.batch, slot.seed) for slot in one]
    assert dealt == [(slot.site.name, slot.batch, slot.seed) for slot in two]
    assert dealt != [(slot.site.name, slot.batch, slot.seed) for slot in other]


def test_each_site_has_a_random_set_of_its_own_anew_in_each_round() -> None:
    slots = [slot for number in (1, 2, 3) for slot in slots_of(RANDOM, None, number, sites(4))]
    assert len({slot.seed for slot in slots}) == 12
    assert {slot.pictures for slot in slots} == {60}
    assert {slot.name for slot in slots} == {f"random/{number}" for number in (1, 2, 3, 4)}


def test_what_is_taken_is_not_given_again() -> None:
    three = index(3)
    names = [slot.name for slot in slots_of(BATCHES, three, 1, sites(3))]
    (second,) = slots_of(BATCHES, three, 1, sites(1), dealt=1, taken=names[:1])
    (third,) = slots_of(BATCHES, three, 1, sites(1), dealt=2, taken=names[:2])
    assert [second.name, third.name] == names[1:]
    assert slots_of(BATCHES, three, 1, sites(1), dealt=3, taken=names) == ()
    taken = ["random/1", "random/3"]
    random = slots_of(RANDOM, None, 1, sites(3), taken=taken)
    assert [slot.name for slot in random] == ["random/2", "random/4", "random/5"]


@pytest.mark.parametrize("plan", [BATCHES, RANDOM])
def test_public_pictures_are_the_same_work_at_another_site(plan: Plan) -> None:
    everybody = sites(5)
    slot = slots_of(plan, index(2), 1, everybody[:2])[0]
    second = substitute(slot, everybody[2:], plan, 1)
    assert second is not None
    assert second.site in everybody[2:]
    assert (second.name, second.seed, second.batch, second.pictures) == (
        slot.name,
        slot.seed,
        slot.batch,
        slot.pictures,
    )
    assert substitute(slot, [], plan, 1) is None


def test_a_sites_own_pictures_are_replaced_by_another_sites() -> None:
    everybody = sites(5)
    slot = slots_of(OWN, None, 1, everybody[:1])[0]
    second = substitute(slot, everybody[1:], OWN, 1)
    assert second is not None
    assert second.name == f"node/{second.site.id}"
    assert second == slots_of(OWN, None, 1, [second.site])[0]
    assert second.seed != slot.seed


def test_an_index_without_batches_deals_nothing() -> None:
    assert slots_of(BATCHES, index(0), 1, sites(2), dealt=4) == ()
