"""Splits: a share of each class, whole groups, the same each time."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from imaging.readers.picture_formats import FilePicture
from imaging.readers.splitting import split_groups


def taken(label: str, group: str, number: int) -> FilePicture:
    return FilePicture(PurePosixPath(f"{label}/{group}-{number}"), label, group=group)


def patients(**sizes: list[int]) -> list[FilePicture]:
    """For each class pictures of patients, who have as many as `sizes` says."""
    return [
        taken(label, f"{label} {patient}", number)
        for label, counts in sizes.items()
        for patient, count in enumerate(counts)
        for number in range(count)
    ]


def test_a_share_of_each_class_judges() -> None:
    pictures = patients(cat=[1] * 50, dog=[1] * 20)
    learn, judge = split_groups(pictures, 0.2, 7)
    assert Counter(one.label for one in judge) == {"cat": 10, "dog": 4}
    assert len(learn) == 56


def test_nobody_is_on_both_sides() -> None:
    pictures = patients(cat=[3, 1, 4, 1, 5, 9], dog=[2, 6, 5, 3])
    for seed in range(20):
        learn, judge = split_groups(pictures, 0.25, seed)
        assert {one.group for one in learn}.isdisjoint(one.group for one in judge)
        assert len(learn) + len(judge) == len(pictures)
        assert {one.label for one in learn} == {"cat", "dog"}


def test_kylbergs_four_samples_give_one_to_judge() -> None:
    # A quarter is closer to a fifth than nothing is.
    _, judge = split_groups(patients(rug=[40, 40, 40, 40]), 0.2, 0)
    assert len(judge) == 40


def test_a_patient_of_two_classes_counts_for_the_commoner() -> None:
    both = [taken("cat", "p", 1), taken("dog", "p", 2), taken("dog", "p", 3)]
    pictures = [*both, *patients(cat=[1] * 10, dog=[1] * 8)]
    for seed in range(20):
        judge = {one.name for one in split_groups(pictures, 0.2, seed)[1]}
        assert len([one for one in both if one.name in judge]) in (0, 3)
        # Two of the ten cats that count as such; of the eleven dogs so many as come closest.
        assert sum(name.startswith("cat/cat") for name in judge) == 2


@given(st.randoms(), st.integers(0, 5))
def test_the_order_of_pictures_does_not_count(random: object, seed: int) -> None:
    pictures = patients(cat=[2, 1, 1, 3], dog=[1, 1, 2])
    shuffled = list(pictures)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    _, judge = split_groups(pictures, 0.3, seed)
    _, again = split_groups(shuffled, 0.3, seed)
    assert {one.name for one in judge} == {one.name for one in again}


def test_one_group_alone_learns() -> None:
    learn, judge = split_groups(patients(cat=[7]), 0.5, 0)
    assert (len(learn), len(judge)) == (7, 0)
    assert split_groups([], 0.5, 0) == ([], [])
