from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from federated.split import stratified_parts, training_count, validation_split


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
