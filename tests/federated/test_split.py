import hashlib
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from federated.split import Part, stratified_parts, training_count, validation_split


def pictures(**counts: int) -> dict[str, str]:
    return {f"{label}-{i}": label for label, count in counts.items() for i in range(count)}


def validation_counts(labels: dict[str, str], parts: dict[str, str]) -> Counter[str]:
    return Counter(labels[key] for key, part in parts.items() if part == "validation")


def test_each_class_gives_its_share() -> None:
    labels = pictures(benign=50, malignant=20)
    parts = validation_split(labels, fraction=0.2, seed=1)
    assert validation_counts(labels, parts) == {"benign": 10, "malignant": 4}


def test_a_single_picture_trains() -> None:
    assert validation_split({"x": "cat"}, fraction=0.5, seed=1) == {"x": "train"}


def test_the_order_of_arrival_does_not_matter_but_the_seed_does() -> None:
    labels = pictures(cat=30)
    turned = dict(reversed(labels.items()))
    assert validation_split(labels, fraction=0.3, seed=5) == validation_split(
        turned, fraction=0.3, seed=5
    )
    assert validation_split(labels, fraction=0.3, seed=5) != validation_split(
        labels, fraction=0.3, seed=6
    )


@given(
    st.dictionaries(st.text("abcdef", min_size=1), st.sampled_from("xyz"), min_size=1),
    st.dictionaries(st.text("abcdef", min_size=1), st.sampled_from("xyz")),
    st.floats(0, 0.99),
    st.integers(0, 99),
)
def test_a_picture_that_judged_never_trains_later(
    first: dict[str, str], more: dict[str, str], fraction: float, seed: int
) -> None:
    before = validation_split(first, fraction=fraction, seed=seed)
    grown = more | first
    after = validation_split(grown, fraction=fraction, seed=seed, assigned=before)
    assert set(after) == set(grown)
    assert {key: after[key] for key in before} == before
    for label in set(grown.values()):
        assert any(after[key] == "train" for key, own in grown.items() if own == label)


def test_without_a_share_what_is_new_trains_and_what_judged_goes_on_judging() -> None:
    labels = pictures(cat=3)
    parts = validation_split(labels, fraction=0, seed=1, assigned={"cat-1": "validation"})
    assert parts == {"cat-0": "train", "cat-1": "validation", "cat-2": "train"}
    assert set(validation_split(labels, fraction=0, seed=1).values()) == {"train"}


def test_splits_that_knew_no_groups_are_as_they_were() -> None:
    # What the rule gave before there were groups: the first of each class by the hash's order.
    labels = pictures(benign=11, malignant=6, rare=1)
    parts = validation_split(labels, fraction=0.3, seed=4)
    assert sorted(key for key, part in parts.items() if part == "validation") == [
        *("benign-1", "benign-4", "benign-8", "malignant-4", "malignant-5")
    ]
    alone = {key: f"lesion of {key}" for key in labels}
    assert validation_split(labels, fraction=0.3, seed=4, groups=alone) == parts


@given(
    members=st.lists(st.tuples(st.sampled_from("xyz"), st.integers(0, 9)), min_size=1, max_size=60),
    later=st.integers(0, 60),
    fractions=st.tuples(st.floats(0, 0.9), st.floats(0, 0.9)),
    seed=st.integers(0, 9),
)
def test_a_group_is_on_one_side_however_its_pictures_come(
    members: list[tuple[str, int]], later: int, fractions: tuple[float, float], seed: int
) -> None:
    labels = {f"{number}": label for number, (label, _) in enumerate(members)}
    # Of ten groups, two are unknown: their pictures are each alone.
    groups = {f"{number}": f"{of}" for number, (_, of) in enumerate(members) if of < 8}
    first = {key: label for key, label in labels.items() if int(key) >= later}
    before = validation_split(first, fraction=fractions[0], seed=seed, groups=groups)
    after = validation_split(
        labels, fraction=fractions[1], seed=seed, assigned=before, groups=groups
    )
    assert set(after) == set(labels)
    assert {key: after[key] for key in before} == before
    sides = {(group, after[key]) for key, group in groups.items()}
    assert len(sides) == len(set(groups.values()))
    at_once = validation_split(labels, fraction=fractions[1], seed=seed, groups=groups)
    counts = Counter(labels.values())
    assert list(at_once.values()).count("train") >= training_count(counts, fractions[1])
    for label in counts:
        assert any(at_once[key] == "train" for key, own in labels.items() if own == label)


def test_what_a_group_is_called_decides_nothing() -> None:
    labels = pictures(benign=20, malignant=10)
    groups = {key: str(number // 3) for number, key in enumerate(labels)}
    scrambled = {key: hashlib.sha256(group.encode()).hexdigest() for key, group in groups.items()}
    parts = validation_split(labels, fraction=0.3, seed=2, groups=groups)
    assert parts == validation_split(labels, fraction=0.3, seed=2, groups=scrambled)
    assert validation_counts(labels, parts) == {"benign": 6, "malignant": 3}


def test_a_new_picture_follows_its_group_whatever_the_share() -> None:
    labels = pictures(cat=4)
    groups = {"cat-0": "a", "cat-1": "a", "cat-2": "b", "cat-3": "b"}
    assigned: dict[str, Part] = {"cat-0": "validation", "cat-2": "train"}
    for fraction in (0, 0.9):
        parts = validation_split(
            labels, fraction=fraction, seed=1, assigned=assigned, groups=groups
        )
        assert [parts[key] for key in labels] == ["validation", "validation", "train", "train"]


def test_a_group_that_came_to_both_sides_grows_on_the_one_that_trains() -> None:
    labels = pictures(cat=6)
    groups = dict.fromkeys(labels, "one lesion")
    assigned: dict[str, Part] = {"cat-1": "validation", "cat-3": "train", "cat-4": "validation"}
    parts = validation_split(labels, fraction=0.9, seed=1, assigned=assigned, groups=groups)
    assert [key for key, part in parts.items() if part == "validation"] == ["cat-1", "cat-4"]


def test_a_picture_whose_label_was_taken_away_still_binds_its_group() -> None:
    groups = {"cat-0": "a", "hidden": "a"}
    parts = validation_split(
        pictures(cat=1), fraction=0, seed=1, assigned={"hidden": "validation"}, groups=groups
    )
    assert parts == {"cat-0": "validation"}


def test_groups_larger_than_the_share_do_not_judge() -> None:
    labels = pictures(cat=40)
    # cat-1 and cat-10 to cat-19 are one group, of eleven; eight may judge.
    groups = {key: key[:5] for key in labels}
    parts = validation_split(labels, fraction=0.2, seed=0, groups=groups)
    judging = {key for key, part in parts.items() if part == "validation"}
    assert judging == {f"cat-{number}" for number in (0, 4, 5, 6, 7, 8, 9)}
    few = {key: str(number % 3) for number, key in enumerate(labels)}
    parts = validation_split(labels, fraction=0.2, seed=0, groups=few)
    assert set(parts.values()) == {"train"}


def test_the_masters_parts_share_out_each_class() -> None:
    labels = pictures(benign=10, malignant=30)
    parts = stratified_parts(labels, [("audit", 0.5), ("test", 0.5)], seed=3)
    assert Counter((labels[key], part) for key, part in parts.items()) == {
        ("benign", "audit"): 5,
        ("benign", "test"): 5,
        ("malignant", "audit"): 15,
        ("malignant", "test"): 15,
    }


@given(
    counts=st.dictionaries(st.sampled_from("abc"), st.integers(0, 40)),
    fraction=st.floats(0, 0.99),
    seed=st.integers(0, 9),
)
def test_the_counts_alone_tell_how_many_train(
    counts: dict[str, int], fraction: float, seed: int
) -> None:
    parts = validation_split(pictures(**counts), fraction=fraction, seed=seed)
    assert training_count(counts, fraction) == list(parts.values()).count("train")


def test_ten_pictures_of_two_classes_are_not_ten_that_train() -> None:
    assert training_count({"benign": 5, "malignant": 5}, 0.2) == 8
    assert training_count({"benign": 60, "malignant": 40}, 0.99) == 2
