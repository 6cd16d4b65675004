"""Planted faults among honest updates: what the round's others show of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from federated.plan import AuditPolicy
from master.audit import copied
from master.audit.copied import Earlier, check_copied
from master.audit.finding import Weight, verdict_of
from master.audit.sketch import BUCKETS, Sketch
from master.audit.together import Candidate, compare
from tests.master.audit.updates import Arrays, moved, round_of, sketched, weights

POLICY = AuditPolicy()
GOOD = {"auc": 0.81, "accuracy": 0.74}
START = {"auc": 0.8, "accuracy": 0.73}
EVEN = {"a": 50, "b": 43}


def judged(
    start: Arrays,
    sent: list[Arrays],
    figures: dict[int, dict[str, float]] | None = None,
    counts: dict[int, dict[str, int]] | None = None,
    harmless: tuple[int, ...] = (),
) -> list[bool]:
    """For each update whether it would count."""
    candidates = [
        Candidate(
            f"t{n}",
            f"clinic-{n}",
            sketched(after, start),
            (figures or {}).get(n, GOOD),
            (counts or {}).get(n, EVEN),
            node=f"n{n}",
            slot=f"node/n{n}",
            is_harmless=n in harmless,
        )
        for n, after in enumerate(sent)
    ]
    found = compare(candidates, START, POLICY)
    return [verdict_of(found[f"t{n}"], {}).accepted for n in range(len(sent))]


def reasons(start: Arrays, sent: list[Arrays], number: int) -> tuple[str, ...]:
    candidates = [
        Candidate(
            f"t{n}",
            f"clinic-{n}",
            sketched(after, start),
            {},
            EVEN,
            node=f"n{n}",
            slot=f"node/n{n}",
        )
        for n, after in enumerate(sent)
    ]
    return verdict_of(compare(candidates, {}, POLICY)[f"t{number}"], {}).reasons


def change(after: Arrays, start: Arrays) -> Arrays:
    return Arrays({name: after[name] - start[name] for name in start})


def test_honest_updates_all_count(rng) -> None:
    start, sent = round_of(rng, 9)
    assert all(judged(start, sent))


@pytest.mark.parametrize("factor", [100.0, -1.0, -30.0])
def test_an_update_that_is_scaled_or_turned_round_does_not_count(rng, factor: float) -> None:
    start, sent = round_of(rng, 7)
    sent[3] = moved(start, change(sent[3], start), factor)
    assert judged(start, sent) == [n != 3 for n in range(7)]


def test_who_does_its_own_classes_no_harm_may_go_its_own_way(rng) -> None:
    start, sent = round_of(rng, 7)
    sent[3] = moved(start, change(sent[3], start), -1.0)
    assert judged(start, sent, harmless=(3,)) == [True] * 7
    # With a second sign it counts no more than any other.
    worse = {3: {"auc": 0.7, "accuracy": 0.6}}
    assert judged(start, sent, worse, harmless=(3,)) == [n != 3 for n in range(7)]


def test_random_weights_do_not_count(rng) -> None:
    start, sent = round_of(rng, 7)
    sent[5] = weights(rng)
    assert judged(start, sent) == [n != 5 for n in range(7)]


def test_of_two_that_are_the_same_the_later_does_not_count(rng) -> None:
    start, sent = round_of(rng, 5)
    sent[4] = sent[1]
    assert judged(start, sent) == [True, True, True, True, False]
    assert "the same weights as that of clinic-1" in " ".join(reasons(start, sent, 4))


def test_a_copy_with_a_little_noise_is_a_copy(rng) -> None:
    start, sent = round_of(rng, 5)
    sent[2] = moved(sent[0], weights(rng, 0.01), 0.003)
    assert judged(start, sent) == [True, True, False, True, True]


def copies(sketches: list[Sketch], **facts: list[Any]) -> list[Weight | None]:
    """What a round says of each update as a copy; `facts` are the candidates', in order."""
    named: list[dict[str, Any]] = [
        {"node": f"n{n}", "slot": f"node/{n}", "start": "w1"} for n in range(len(sketches))
    ]
    told = [
        one | {name: values[n] for name, values in facts.items()} for n, one in enumerate(named)
    ]
    candidates = [
        Candidate(f"t{n}", f"clinic-{n}", sketch, {}, **own)
        for n, (sketch, own) in enumerate(zip(sketches, told, strict=True))
    ]
    found = compare(candidates, {}, POLICY, trained_alike=False)
    named_as = [
        [f.weight for f in found[one.task] if "the same" in f.sentence] for one in candidates
    ]
    return [weights[0] if weights else None for weights in named_as]


def test_a_nodes_own_change_once_more_in_a_round_is_odd_as_it_is_between_rounds(rng) -> None:
    start, (first, _) = round_of(rng, 2)
    again = sketched(moved(first, weights(rng, 0.01), 0.003), start)
    both = [sketched(first, start), again]
    assert copies(both) == [None, Weight.WRONG]
    # An asynchronous run counts two of one node: from other weights, or from the same.
    assert copies(both, node=["n0", "n0"], start=["w1", "w2"]) == [None, Weight.ODD]
    assert copies(both, node=["n0", "n0"]) == [None, None]
    # Public work that another site took over is the same work.
    assert copies(both, slot=["batch/x", "batch/x"]) == [None, None]


def test_sites_of_few_steps_may_go_the_same_way_and_may_not_send_the_same_bytes(rng) -> None:
    start, (first, _) = round_of(rng, 2)
    one, near = (
        sketched(first, start),
        sketched(moved(first, weights(rng, 0.01), 0.003), start),
    )
    assert copies([one, near], few_steps=[True, True]) == [None, Weight.ODD]
    assert copies([one, near], few_steps=[False, True]) == [None, Weight.WRONG]
    assert copies([one, near, near], few_steps=[True] * 3) == [None, Weight.ODD, Weight.WRONG]
    assert copies([near, one, near], few_steps=[True] * 3) == [None, Weight.ODD, Weight.WRONG]


def test_a_thousand_updates_are_compared_without_looking_at_each_pair(rng, monkeypatch) -> None:
    calls = []
    measured = copied.distance
    monkeypatch.setattr(
        copied, "distance", lambda one, other: calls.append(1) or measured(one, other)
    )
    ways = rng.normal(0, 1, (1000, BUCKETS)).astype(np.float32)
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    sketches = [Sketch(f"{n:064}", 5000, 1.0 + n / 1e6, way) for n, way in enumerate(ways)]
    sketches[700] = replace(sketches[2], digest="of its own")
    sketches[999] = replace(sketches[998])
    found = copies(sketches)
    assert [n for n, weight in enumerate(found) if weight is Weight.WRONG] == [700, 999]
    assert len(calls) <= 2
    calls.clear()
    assert copies([sketches[5]] * 1000) == [None] + [Weight.WRONG] * 999
    near = [replace(sketches[5], digest=f"{n:064}") for n in range(1000)]
    assert copies(near, few_steps=[True] * 1000) == [None] + [Weight.ODD] * 999
    assert len(calls) <= 1000


def test_a_site_that_takes_few_steps_goes_less_far_and_counts(rng) -> None:
    start, sent = round_of(rng, 6)
    sent[0] = moved(start, change(sent[0], start), 0.01)
    assert all(judged(start, sent))


def test_a_site_of_one_class_may_point_against_all_others(rng) -> None:
    start, sent = round_of(rng, 6)
    sent[2] = moved(start, change(sent[2], start), -1.0)
    assert not judged(start, sent)[2]
    assert judged(start, sent, counts={2: {"a": 40, "b": 0}})[2]


def test_what_makes_the_model_much_worse_does_not_count(rng) -> None:
    start, sent = round_of(rng, 5)
    assert not judged(start, sent, {2: {"auc": 0.41, "accuracy": 0.4}})[2]
    # One class named too often costs accuracy, not order.
    assert judged(start, sent, {2: {"auc": 0.78, "accuracy": 0.5}})[2]


def test_a_site_of_one_class_may_have_its_model_forget_all_others(rng) -> None:
    start, sent = round_of(rng, 7)
    worse = {4: {"auc": 0.5, "accuracy": 0.5}}
    assert judged(start, sent, worse) == [n != 4 for n in range(7)]
    assert judged(start, sent, worse, harmless=(4,)) == [True] * 7


def test_one_odd_sign_is_not_enough_and_two_are(rng) -> None:
    start, sent = round_of(rng, 7)
    worse = {4: {"auc": 0.7, "accuracy": 0.6}}
    assert judged(start, sent, worse)[4]
    sent[4] = moved(start, change(sent[4], start), 11.0)
    assert judged(start, sent)[4]
    assert not judged(start, sent, worse)[4]


def test_few_updates_are_not_compared_and_that_is_told(rng) -> None:
    start, sent = round_of(rng, 3)
    sent[1] = moved(start, change(sent[1], start), 100.0)
    assert all(judged(start, sent))
    told = reasons(start, sent, 0)
    assert told == (
        "Not compared with the round's others in length and direction: 3 updates to compare, "
        "4 needed.",
    )


def test_in_a_small_round_the_audit_pictures_still_speak(rng) -> None:
    start, sent = round_of(rng, 2)
    assert judged(start, sent, {1: {"auc": 0.55, "accuracy": 0.5}}) == [True, False]


def test_where_a_round_is_small_a_handful_of_audit_pictures_rejects_nobody(rng) -> None:
    start, sent = round_of(rng, 2)
    worse = {"auc": 0.55, "accuracy": 0.5}
    # 0.25 below the round's start: 0.2, and 2 * (0.55 * 0.45 / 20) ** 0.5 = 0.22, are allowed.
    for pictures, counts in ((40, True), (4000, False)):
        assert judged(start, sent, {1: worse | {"num_examples": pictures}}) == [True, counts]


def test_an_update_without_a_sketch_is_not_compared(rng) -> None:
    found = compare([Candidate("t", "clinic", None, {}, {})], {}, POLICY)["t"]
    assert [finding.weight for finding in found] == [Weight.UNCHECKED]


def test_the_weights_of_last_round_once_more_are_a_replay_and_a_like_step_is_odd(rng) -> None:
    start, (first, _) = round_of(rng, 2)
    later = moved(start, weights(rng, 0.01))
    earlier = [Earlier("n1", "clinic-1", 3, sketched(first, start))]
    replayed = sketched(first, later)
    assert check_copied(replayed, "n1", earlier, POLICY).weight is Weight.WRONG
    repeated = sketched(moved(later, change(first, start)), later)
    assert check_copied(repeated, "n1", earlier, POLICY).weight is Weight.ODD
    stolen = check_copied(repeated, "n2", earlier, POLICY)
    assert stolen.weight is Weight.WRONG
    assert stolen.sentence.endswith(
        "the same change of the weights as that of clinic-1 for round 3."
    )
    own = sketched(moved(later, weights(rng, 0.01)), later)
    assert check_copied(own, "n1", earlier, POLICY).weight is Weight.FITS


def test_the_order_of_the_updates_changes_no_verdict(rng) -> None:
    start, sent = round_of(rng, 8)
    sent[6] = moved(start, change(sent[6], start), 100.0)
    order = rng.permutation(8)
    assert judged(start, [sent[n] for n in order]) == [bool(n != 6) for n in order]


def test_medians_leave_out_what_is_compared() -> None:
    from master.audit.robust import medians_of_others, spreads_of_others

    values = np.random.default_rng(5).integers(0, 5, (9, 4)).astype(float)
    for count in range(2, 10):
        some = values[:count]
        expected = [np.median(np.delete(some, row, 0), axis=0) for row in range(count)]
        assert np.array_equal(medians_of_others(some), expected)
    spreads = spreads_of_others(np.array([1.0, 2.0, 4.0, 100.0]))
    # Without the first: median 4, deviations 2, 0, 96.
    assert spreads[0] == pytest.approx(1.4826 * 2)
