"""The index of batches, and what is drawn from it: by the seed alone, evenly, never twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

from imaging.batch_index import (
    BatchEntry,
    BatchIndex,
    Positions,
    draw_training,
    draw_validation,
    file_name,
)
from imaging.errors import NoPictures, NoSuchBatch

A, B, C = "a" * 64, "b" * 64, "c" * 64


def entry(name: str, train: int, validation: int) -> BatchEntry:
    return BatchEntry(
        sha256=name,
        bytes=1000,
        train={"cat": train - 1, "dog": 1},
        validation={"dog": validation},
    )


def index(*entries: BatchEntry) -> BatchIndex:
    return BatchIndex(classes=("cat", "dog", "eel"), batches=entries)


UNEQUAL = index(entry(A, 5, 2), entry(B, 30, 1), entry(C, 15, 4))


def sizes(drawn: Positions) -> dict[str, int]:
    return {name: len(places) for name, places in drawn.items()}


def test_an_index_counts_what_there_is() -> None:
    assert (UNEQUAL.train_total, UNEQUAL.validation_total) == (50, 7)
    assert UNEQUAL.train_counts == {"cat": 47, "dog": 3, "eel": 0}
    assert UNEQUAL.validation_counts == {"cat": 0, "dog": 7, "eel": 0}
    assert UNEQUAL.entry(B).train_total == 30
    assert UNEQUAL.entry(C).validation_total == 4
    assert file_name(A) == f"{A}.safetensors"
    with pytest.raises(NoSuchBatch):
        UNEQUAL.entry("d" * 64)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"batches": [entry(A, 5, 2).model_dump()] * 2}, "a batch stands there twice"),
        ({"classes": ["cat", "dog", "cat"]}, "a class stands there twice"),
        ({"classes": ["cat"]}, "does not name"),
        ({"classes": []}, "at least 1"),
        ({"classes": ["cat", "dog", "../etc"]}, "should be"),
        ({"batches": [{**entry(A, 5, 2).model_dump(), "bytes": 2**40}]}, "less than or equal"),
        ({"batches": [{**entry(A, 5, 2).model_dump(), "sha256": "../../etc/passwd"}]}, "pattern"),
        ({"batches": [{**entry(A, 5, 2).model_dump(), "train": {"cat": -1}}]}, "greater than"),
        ({"format": 2}, "1"),
        ({"password": "x"}, "not permitted"),
    ],
)
def test_an_index_that_makes_no_sense_is_refused(wrong: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        BatchIndex.model_validate(index(entry(A, 5, 2)).model_dump() | wrong)


def test_an_index_that_claims_too_many_pictures_is_refused() -> None:
    many = [entry(f"{n:064x}", 1_000_000, 1).model_dump() for n in range(21)]
    with pytest.raises(ValidationError, match="more than 20000000 pictures"):
        BatchIndex.model_validate({"classes": ["cat", "dog"], "batches": many})


def test_a_draw_holds_as_many_different_pictures_as_were_asked_for() -> None:
    drawn = draw_training(UNEQUAL, 20, seed=3)
    assert sum(sizes(drawn).values()) == 20
    for name, places in drawn.items():
        assert list(places) == sorted(set(places))
        assert set(places) <= set(range(UNEQUAL.entry(name).train_total))


def test_the_same_seed_gives_the_same_draw_and_another_seed_another() -> None:
    assert draw_training(UNEQUAL, 20, seed=3) == draw_training(UNEQUAL, 20, seed=3)
    assert draw_training(UNEQUAL, 20, seed=3) != draw_training(UNEQUAL, 20, seed=4)


def test_a_draw_is_the_same_everywhere() -> None:
    """Written down once: another machine, Python or numpy must come to the same."""
    assert draw_training(UNEQUAL, 6, seed=2026) == {
        A: (0,),
        B: (2, 18, 21, 25),
        C: (12,),
    }


def test_all_pictures_can_be_drawn_and_no_more() -> None:
    assert sizes(draw_training(UNEQUAL, 50, seed=1)) == {A: 5, B: 30, C: 15}
    assert draw_training(UNEQUAL, 0, seed=1) == {}
    with pytest.raises(NoPictures, match="at most 50"):
        draw_training(UNEQUAL, 51, seed=1)
    with pytest.raises(NoPictures):
        draw_training(index(), 1, seed=1)


def test_every_set_of_pictures_is_drawn_equally_often() -> None:
    """Two of five, a thousand times: each of the ten pairs near 100 times.

    The limit is the 99.9 % point of a chi-squared distribution of nine degrees of freedom;
    the seeds are fixed, so the figure is always the same.
    """
    five = index(entry(A, 2, 1), entry(B, 3, 1))
    draws = [draw_training(five, 2, seed) for seed in range(1000)]
    pairs = Counter(
        frozenset((name, place) for name, places in drawn.items() for place in places)
        for drawn in draws
    )
    assert len(pairs) == 10
    assert sum((n - 100) ** 2 / 100 for n in pairs.values()) < 27.9


def test_validation_pictures_come_from_the_validation_parts() -> None:
    drawn = draw_validation(UNEQUAL, 3, seed=8)
    assert sum(sizes(drawn).values()) == 3
    assert drawn == draw_validation(UNEQUAL, 3, seed=8)
    for name, places in drawn.items():
        assert max(places) < UNEQUAL.entry(name).validation_total
    assert sizes(draw_validation(UNEQUAL, 100, seed=8)) == {A: 2, B: 1, C: 4}
    assert draw_validation(index(), 5, seed=8) == {}


def test_batches_without_pictures_are_passed_over() -> None:
    empty = BatchEntry(sha256=B, bytes=1, train={}, validation={})
    assert sizes(draw_training(index(empty, entry(A, 5, 2)), 5, seed=0)) == {A: 5}
