"""What is handed out again, and to whom, as tables without a database."""

from __future__ import annotations

import pytest

from federated.plan import Plan
from federated.states import NodeState, TaskState
from master.coordinator.assignment import draw_order
from master.coordinator.reissue import Again, replacements, second_chances
from master.store.nodes import Site
from master.store.round_tasks import TaskSummary

OWN = Plan(seed=3)
PUBLIC = Plan(data={"kind": "random", "url": "http://127.0.0.1/b", "images": 5}, seed=3)

S = TaskState


def sites(names: str) -> list[Site]:
    return [Site(name, f"clinic-{name}", NodeState.ACTIVE, None, True) for name in names]


def task(node: str, state: TaskState, slot: str = "", attempt: int = 1, lost: bool = False):
    slot = slot or f"node/{node}"
    return TaskSummary(
        f"{node}-{slot}-{attempt}", node, 1, 0, slot, attempt, state, lost, 60.0, 0.0
    )


def lost(node: str, slot: str = "", attempt: int = 1) -> TaskSummary:
    return task(node, S.QUEUED, slot, attempt, lost=True)


def who(found: tuple[Again, ...]) -> list[tuple[str, int]]:
    return [(again.site.id, again.attempt) for again in found]


@pytest.mark.parametrize(
    ("tasks", "able", "target", "chosen"),
    [
        # Everything is under way, or has been answered.
        ([task("a", S.LEASED), task("b", S.ACCEPTED)], "abc", 2, []),
        # One is silent, one has failed; there is one spare site.
        ([lost("a"), task("b", S.FAILED)], "bc", 2, [("c", 1)]),
        # Nobody is asked for own pictures a second time.
        ([task("a", S.FAILED), task("b", S.REJECTED)], "ab", 2, []),
        # A round that closes at its quorum need not replace those it can spare.
        ([lost("a"), task("b", S.LEASED), task("c", S.TRAINING)], "bcd", 2, []),
        # A queued task is on its way; a submitted one is as good as there.
        ([task("a", S.QUEUED), task("b", S.SUBMITTED)], "abc", 2, []),
    ],
)
def test_own_pictures_are_replaced_by_those_of_another_site(
    tasks: list[TaskSummary], able: str, target: int, chosen: list[tuple[str, int]]
) -> None:
    assert who(replacements(tasks, sites(able), OWN, 1, target)) == chosen


def test_spare_sites_come_in_the_order_of_the_draw() -> None:
    tasks = [lost("a"), lost("b")]
    found = replacements(tasks, sites("cdefg"), OWN, 1, 2)
    first = [site.id for site in draw_order(sites("cdefg"), OWN, 1)][:2]
    assert [again.site.id for again in found] == first
    other = [site.id for site in draw_order(sites("cdefg"), OWN, 2)][:2]
    assert [a.site.id for a in replacements(tasks, sites("cdefg"), OWN, 2, 2)] == other


def test_a_round_gives_out_at_most_three_times_what_it_aims_at() -> None:
    tasks = [task(node, S.FAILED) for node in "abcdef"]
    assert replacements(tasks, sites("ghi"), OWN, 1, 2) == ()
    assert len(replacements(tasks[:5], sites("fghi"), OWN, 1, 2)) == 1


@pytest.mark.parametrize(
    ("tasks", "able", "chosen"),
    [
        # A lost piece goes to whoever is free: to one that has done its own part, too.
        ([lost("a", "random/1"), task("b", S.ACCEPTED, "random/2")], "b", [("b", 2)]),
        ([lost("a", "random/1"), task("b", S.LEASED, "random/2")], "b", []),
        # Once somebody is at work on it, it is not given out again.
        ([lost("a", "random/1"), task("b", S.LEASED, "random/1", 2)], "c", []),
        # Not to who has failed with it, and three times at most.
        ([task("a", S.FAILED, "random/1")], "a", []),
        ([task("a", S.FAILED, "random/1"), lost("b", "random/1", 2)], "c", [("c", 3)]),
        (
            [task(node, S.FAILED, "random/1", n) for n, node in enumerate("abc", 1)],
            "d",
            [],
        ),
    ],
)
def test_public_work_goes_to_another_site(
    tasks: list[TaskSummary], able: str, chosen: list[tuple[str, int]]
) -> None:
    assert who(replacements(tasks, sites(able), PUBLIC, 1, 3)) == chosen


def test_two_sites_at_one_piece_of_work_do_not_make_up_for_another() -> None:
    tasks = [
        task("a", S.TRAINING, "random/1"),
        task("b", S.TRAINING, "random/1", 2),
        lost("c", "random/2"),
    ]
    assert who(replacements(tasks, sites("abd"), PUBLIC, 1, 2)) == [("d", 2)]


def test_two_lost_pieces_go_to_two_sites() -> None:
    tasks = [lost("a", "random/1"), lost("b", "random/2"), task("c", S.LEASED, "random/3")]
    found = replacements(tasks, sites("cde"), PUBLIC, 1, 3)
    assert {again.site.id for again in found} == {"d", "e"}
    assert {again.task for again in found} == {"a-random/1-1", "b-random/2-1"}


@pytest.mark.parametrize(
    ("tasks", "able", "chosen"),
    [
        # The same site again, on its own pictures.
        ([task("a", S.FAILED), task("b", S.ACCEPTED)], "ab", [("a", 2)]),
        ([task("a", S.FAILED), task("a", S.FAILED, attempt=2)], "a", [("a", 3)]),
        ([task("a", S.FAILED, attempt=n) for n in (1, 2, 3)], "a", []),
        # One that is away is replaced, if anybody is there who was not asked before.
        ([task("a", S.EXPIRED), task("b", S.ACCEPTED)], "bc", [("c", 1)]),
        ([task("a", S.EXPIRED), task("b", S.ACCEPTED)], "b", []),
        # What is lost stays its node's, and is handed over when that is heard of.
        ([lost("a"), task("b", S.ACCEPTED)], "ab", []),
        # What is under way stays under way.
        ([task("a", S.TRAINING), task("b", S.REJECTED)], "ab", [("b", 2)]),
    ],
)
def test_an_extended_round_tries_everything_again(
    tasks: list[TaskSummary], able: str, chosen: list[tuple[str, int]]
) -> None:
    assert who(second_chances(tasks, sites(able), OWN, 1)) == chosen


def test_an_extended_round_gives_public_work_back_to_the_only_site_there_is() -> None:
    failed = task("a", S.FAILED, "random/1")
    assert who(second_chances([failed], sites("a"), PUBLIC, 1)) == [("a", 2)]
    assert who(second_chances([failed], sites("ab"), PUBLIC, 1)) == [("b", 2)]
