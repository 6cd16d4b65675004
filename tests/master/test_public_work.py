"""Rounds on public pictures: batches that are dealt, random sets, second attempts, duplicates."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.master.federation import ChildInTest, Clock, Federation, trained
from tests.master.test_plan_check import entry, write_index

PLAN = {"rounds": 1, "training": {"epochs": 1}}
# 10, 11 and 8 pictures to train on.
BATCHES = ((7, 3), (5, 6), (4, 4))


@pytest.fixture
def url(tmp_path: Path) -> str:
    write_index(tmp_path / "batches", *BATCHES)
    return str(tmp_path / "batches")


def batches(url: str, **facts: object) -> dict:
    return PLAN | {"data": {"kind": "batches", "url": url}} | facts


def random_sets(url: str, images: int, **facts: object) -> dict:
    return PLAN | {"data": {"kind": "random", "url": url, "images": images}} | facts


def sites(federation: Federation, names: str) -> list[ChildInTest]:
    """Sites without a picture of their own."""
    federation.study()
    return [federation.site(f"clinic-{name}", labelled=0) for name in names]


def states(federation: Federation, run: str) -> list[tuple[str, int, str]]:
    tasks = sorted(federation.last_round(run)["tasks"], key=lambda task: task["created_at"])
    return [
        (task["node_name"], task["attempt"], "lost" if task["lost"] else task["state"])
        for task in tasks
    ]


def pictures(child: ChildInTest) -> int:
    """Training pictures of the batch of a child's last task."""
    batch = child.tasks[-1].batch
    assert batch is not None
    sizes = {entry(n, train)["sha256"]: sum(train) for n, train in enumerate(BATCHES)}
    return sizes[batch.sha256]


def lose(federation: Federation, clock: Clock, *others: ChildInTest) -> None:
    """A minute and more in which only these children are heard of."""
    for seconds in (55, 10):
        clock.tick(seconds)
        for child in others:
            held = tuple(task.id for task in child.tasks)
            federation.beat(child, labelled=0, tasks=held)
    federation.settle()


def one_lost(
    federation: Federation, clock: Clock, url: str
) -> tuple[ChildInTest, ChildInTest, str]:
    """Two sites and their run: the second has delivered, and the first fell silent."""
    a, b = sites(federation, "ab")
    run = federation.run(**batches(url, quorum=2))
    federation.deliver(b, trained(b, 5.0, num_examples=pictures(b)))
    lose(federation, clock, b)
    return a, b, run


def test_each_site_gets_a_batch_with_all_that_is_needed_to_fetch_it(
    federation: Federation, url: str
) -> None:
    a, b = sites(federation, "ab")
    run = federation.run(**batches(url, rounds=3))
    dealt: Counter[str] = Counter()
    for _ in range(3):
        given = [child.tasks[-1].batch for child in (a, b)]
        assert all(batch is not None and batch.bytes // 1000 == 1 for batch in given)
        assert given[0] != given[1]
        dealt.update(batch.sha256 for batch in given if batch)
        told = {task["node_name"]: task["batch"] for task in federation.last_round(run)["tasks"]}
        assert told == {c.name: c.tasks[-1].batch.sha256 for c in (a, b) if c.tasks[-1].batch}
        for child in (a, b):
            federation.deliver(child, trained(child, 1.0, num_examples=pictures(child)))
    # Six pieces of work on three batches: each twice.
    assert sorted(dealt.values()) == [2, 2, 2]
    assert federation.get(f"/runs/{run}")["state"] == "completed"


def test_an_update_may_not_claim_more_than_its_batch_holds(
    federation: Federation, url: str
) -> None:
    (a,) = sites(federation, "a")
    federation.run(**batches(url))
    answer = federation.deliver(a, trained(a, 1.0, num_examples=pictures(a) + 1))
    assert (answer.status_code, answer.get_json()["error"]) == (422, "bad_num_examples")


def test_a_site_beyond_the_batches_is_left_out(federation: Federation, url: str) -> None:
    sites(federation, "abcde")
    run = federation.run(**batches(url))
    view = federation.last_round(run)
    assert (len(view["tasks"]), view["target"]) == (3, 3)
    assert [site["reason"] for site in view["excluded"]] == ["no batch left for it"] * 2


def test_random_sets_name_the_index_and_a_seed_of_their_own(
    federation: Federation, url: str
) -> None:
    a, b = sites(federation, "ab")
    run = federation.run(**random_sets(url, 12))
    one, two = a.tasks[-1], b.tasks[-1]
    kept = federation.get(f"/runs/{run}/batches")["index"]
    assert one.index == two.index == kept
    assert one.seed != two.seed
    assert one.batch is None
    answer = federation.deliver(a, trained(a, 1.0, num_examples=13))
    assert answer.get_json()["error"] == "bad_num_examples"
    assert federation.deliver(b, trained(b, 1.0, num_examples=12)).status_code == 200


def test_a_lost_batch_goes_to_another_site_and_the_first_answer_counts(
    federation: Federation, clock: Clock, url: str
) -> None:
    a, b, run = one_lost(federation, clock, url)
    assert states(federation, run) == [
        ("clinic-a", 1, "lost"),
        ("clinic-b", 1, "accepted"),
        ("clinic-b", 2, "leased"),
    ]
    mine, again = a.tasks[0], b.tasks[1]
    assert (again.batch, again.seed) == (mine.batch, mine.seed)
    assert again.id != mine.id
    late = trained(a, 1.0, num_examples=pictures(a))
    federation.deliver(b, trained(b, 3.0, num_examples=pictures(b)))
    view = federation.last_round(run)
    assert view["state"] == "closed"
    assert states(federation, run)[0] == ("clinic-a", 1, "cancelled")
    assert view["tasks"][0]["reason"] == "another site answered first"
    # Two updates of one site, each with its own share.
    sizes = [update["num_examples"] for update in view["updates"]]
    shares = [update["share"] for update in view["updates"]]
    assert shares == pytest.approx([size / sum(sizes) for size in sizes])
    assert len(set(sizes)) == 2
    # What comes now is a duplicate: told, refused, kept nowhere.
    blobs = federation.services.blobs.names()
    for _ in range(2):
        answer = federation.deliver(a, late)
        assert (answer.status_code, answer.get_json()["error"]) == (409, "duplicate")
    assert federation.services.blobs.names() == blobs
    events = federation.get(f"/runs/{run}/events")["events"]
    told = [event for event in events if event["kind"] == "update_duplicate"]
    assert len(told) == 1
    assert "clinic-a" in told[0]["text"]
    duplicate = next(u for u in federation.last_round(run)["updates"] if u["node"] == a.id)
    assert (duplicate["status"], duplicate["share"]) == ("cancelled", None)
    assert federation.last_round(run)["weights_after"] == view["weights_after"]


def test_the_average_of_two_updates_of_one_site_counts_both(
    federation: Federation, clock: Clock, url: str
) -> None:
    a, b, run = one_lost(federation, clock, url)
    federation.deliver(b, trained(b, 1.0, num_examples=pictures(b)))
    view = federation.last_round(run)
    before, after = (federation.weights(view[f"weights_{when}"]) for when in ("before", "after"))
    expected = sum(u["share"] * shift for u, shift in zip(view["updates"], (5, 1), strict=True))
    for name, array in before.items():
        assert after[name] == pytest.approx(array + expected, rel=1e-5)
    assert len(a.tasks) == 1


def test_the_site_that_was_lost_may_be_the_first_to_answer(
    federation: Federation, clock: Clock, url: str
) -> None:
    a, b, run = one_lost(federation, clock, url)
    federation.deliver(a, trained(a, 1.0, num_examples=pictures(a)))
    assert states(federation, run) == [
        ("clinic-a", 1, "accepted"),
        ("clinic-b", 1, "accepted"),
        ("clinic-b", 2, "cancelled"),
    ]
    assert b.dropped == [b.tasks[1].id]
    answer = federation.deliver(b, trained(b, 3.0, num_examples=pictures(b)))
    assert answer.get_json()["error"] == "duplicate"


def test_a_wrong_answer_is_no_answer_and_the_second_attempt_goes_on(
    federation: Federation, clock: Clock, url: str
) -> None:
    a, b, run = one_lost(federation, clock, url)
    federation.deliver(a, trained(a, float("nan"), num_examples=pictures(a)))
    assert states(federation, run)[2] == ("clinic-b", 2, "leased")
    federation.deliver(b, trained(b, 3.0, num_examples=pictures(b)))
    assert federation.last_round(run)["state"] == "closed"


def test_a_second_answer_under_audit_is_called_off_by_the_first_that_counts(
    federation: Federation, clock: Clock, url: str
) -> None:
    a, b, run = one_lost(federation, clock, url)
    federation.queues.held = (f"audit/{a.tasks[0].id}",)
    update = trained(a, 1.0, num_examples=pictures(a))
    federation.deliver(a, update)
    federation.deliver(b, trained(b, 3.0, num_examples=pictures(b)))
    federation.queues.release()
    federation.settle()
    assert states(federation, run)[0] == ("clinic-a", 1, "cancelled")
    assert federation.last_round(run)["state"] == "closed"
    assert federation.deliver(a, update).get_json()["state"] == "cancelled"


def test_a_failed_batch_is_tried_three_times_at_most(federation: Federation, url: str) -> None:
    children = sites(federation, "abcde")
    run = federation.run(**batches(url, quorum=3, sampling={"fraction": 0.6}))
    body = {"code": "batch_server_away", "detail": "The batch server cannot be reached."}
    first = next(child for child in children if child.tasks)
    batch = first.tasks[0].batch
    for _ in range(3):
        holder = next(c for c in children if c.tasks and c.tasks[-1].batch == batch)
        federation.post(f"/tasks/{holder.tasks[-1].id}/failure", body, holder.token)
        holder.tasks.append(holder.tasks[-1].model_copy(update={"batch": None}))
        federation.settle()
    tasks = [t for t in federation.last_round(run)["tasks"] if t["batch"] == batch.sha256]
    assert [task["attempt"] for task in sorted(tasks, key=lambda t: t["attempt"])] == [1, 2, 3]
    assert not any(c.tasks and c.tasks[-1].batch == batch for c in children)
    assert federation.last_round(run)["state"] == "open"
