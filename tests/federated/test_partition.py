import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federated.errors import InvalidInput
from federated.partition import by_values, holdings, iid, label_skew, partitioner

LABELS = np.repeat([0, 1, 2], [60, 30, 9])


TEXTS = [
    "iid",
    "dirichlet:0.3",
    "dirichlet:100",
    "label-skew",
    "shards:2",
    "quantity:0.5",
    "by:age",
]
AGES = np.array(["", *(str(number % 17 + 0.5) for number in range(98))])


@given(st.sampled_from(TEXTS), st.integers(2, 7), st.integers(0, 5))
def test_every_picture_is_dealt_out_once(text: str, sites: int, seed: int) -> None:
    parts = partitioner(text)(LABELS, sites, np.random.default_rng(seed), AGES)
    assert len(parts) == sites
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(len(LABELS)))


@given(st.sampled_from(TEXTS), st.integers(2, 4), st.integers(0, 5), st.integers(1, 8))
def test_a_group_is_at_one_site(text: str, sites: int, seed: int, size: int) -> None:
    # Some groups are of several classes, and there are groups of each class.
    groups = [f"lesion {number // size}" for number in range(len(LABELS))]
    rng = np.random.default_rng(seed)
    parts = partitioner(text)(LABELS, sites, rng, AGES, groups=groups)
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(len(LABELS)))
    held = [{groups[index] for index in part} for part in parts]
    assert sum(map(len, held)) == len(set(groups))


@given(st.sampled_from(TEXTS), st.integers(2, 7), st.integers(0, 5))
def test_pictures_that_are_each_alone_are_dealt_out_as_without_groups(
    text: str, sites: int, seed: int
) -> None:
    groups = [f"lesion {number * 7 % len(LABELS)}" for number in range(len(LABELS))]
    with_groups, without = (
        partitioner(text)(LABELS, sites, np.random.default_rng(seed), AGES, groups=given)
        for given in (groups, None)
    )
    for one, other in zip(with_groups, without, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_group_counts_for_the_class_that_it_has_most_of() -> None:
    labels = np.array([0, 1, 1, 1, 0, 0, 0, 1, 1, 0])
    groups = list("aaabbbcdef")
    parts = partitioner("label-skew")(labels, 2, np.random.default_rng(1), groups=groups)
    # Site 0 never sees class 0 but in group a, of which most are of class 1.
    assert [sorted({groups[index] for index in part}) for part in parts] == [
        ["a", "d", "e"],
        ["b", "c", "f"],
    ]


def test_the_least_counts_pictures_not_groups() -> None:
    labels, groups = np.zeros(40, int), [str(number // 10) for number in range(40)]
    parts = partitioner("iid")(labels, 2, np.random.default_rng(1), least=20, groups=groups)
    assert [len(part) for part in parts] == [20, 20]
    with pytest.raises(InvalidInput, match="at least 11"):
        partitioner("iid")(labels, 4, np.random.default_rng(1), least=11, groups=groups)


def test_iid_gives_each_site_the_same_mixture() -> None:
    parts = iid(LABELS, 3, np.random.default_rng(1))
    assert [np.bincount(LABELS[part]).tolist() for part in parts] == [[20, 10, 3]] * 3


def test_label_skew_hides_class_k_from_site_k() -> None:
    parts = label_skew(LABELS, 3, np.random.default_rng(1))
    for site, part in enumerate(parts):
        assert site not in LABELS[part]
        assert set(LABELS[part]) == {0, 1, 2} - {site}


def test_small_concentrations_are_more_uneven() -> None:
    labels = np.zeros(1000, dtype=int)

    def largest(alpha: str) -> float:
        draw = partitioner(f"dirichlet:{alpha}")
        return float(
            np.mean(
                [max(map(len, draw(labels, 5, np.random.default_rng(seed)))) for seed in range(20)]
            )
        )

    assert largest("0.1") > 600 > largest("100") >= 200


def test_the_seed_decides() -> None:
    deal = partitioner("dirichlet:0.5")
    first, again, other = (deal(LABELS, 3, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert [part.tolist() for part in first] == [part.tolist() for part in again]
    assert [part.tolist() for part in first] != [part.tolist() for part in other]


@pytest.mark.parametrize(
    "text",
    [
        *("", "iid:1", "dirichlet", "dirichlet:0", "dirichlet:nan", "quantity:-1", "by", "by:"),
        *("shards", "shards:0", "shards:2.5", "shards:²", "shards:99999999999999999999"),
    ],
)
def test_a_wrong_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        partitioner(text)


def test_label_skew_needs_two_sites() -> None:
    with pytest.raises(InvalidInput, match="several sites"):
        partitioner("label-skew")(LABELS, 1, np.random.default_rng(1))


def test_label_skew_needs_two_classes_and_groups_may_leave_one() -> None:
    groups = ["one patient"] * len(LABELS)
    with pytest.raises(InvalidInput, match="several classes"):
        partitioner("label-skew")(LABELS, 3, np.random.default_rng(1), groups=groups)


def test_a_site_with_two_shards_sees_few_classes() -> None:
    labels = np.repeat(np.arange(10), 40)
    parts = partitioner("shards:2")(labels, 10, np.random.default_rng(1))
    assert {len(part) for part in parts} == {40}
    assert max(len(np.unique(labels[part])) for part in parts) <= 2


def test_more_shards_than_pictures_are_refused() -> None:
    with pytest.raises(InvalidInput, match="fewer pictures than shards"):
        partitioner("shards:50")(LABELS, 2, np.random.default_rng(1))


def test_quantity_skew_changes_sizes_and_not_the_mixture() -> None:
    labels = np.tile([0, 0, 1], 2000)
    parts = partitioner("quantity:0.5")(labels, 4, np.random.default_rng(2))
    sizes = sorted(len(part) for part in parts)
    assert sizes[-1] > 3 * sizes[0]
    assert all(abs(labels[part].mean() - 1 / 3) < 0.1 for part in parts if len(part) > 200)


@pytest.mark.parametrize("text", ["dirichlet:0.1", "quantity:0.2"])
def test_what_is_drawn_is_drawn_again_until_no_site_is_short(text: str) -> None:
    deal = partitioner(text)
    for seed in range(5):
        parts = deal(LABELS, 4, np.random.default_rng(seed), least=9)
        assert min(map(len, parts)) >= 9
    assert any(min(map(len, deal(LABELS, 4, np.random.default_rng(seed)))) < 9 for seed in range(5))


@pytest.mark.parametrize("text", ["iid", "dirichlet:0.5"])
def test_a_minimum_that_cannot_be_is_told_with_the_site(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"at least 50 at every site.*at site-\d"):
        partitioner(text)(LABELS, 2, np.random.default_rng(1), least=50)


def test_numbers_are_cut_into_bands_of_neighbours() -> None:
    ages = np.array(["80", "5", "", "40", "40", "40", "7", "61", "9", "", "100"])
    parts = by_values(ages, 3, np.random.default_rng(1))
    bands = [sorted(float(ages[k]) for k in part if ages[k]) for part in parts]
    assert bands == [[5, 7, 9], [40, 40, 40], [61, 80, 100]]
    assert sorted(len(part) for part in parts) == [3, 4, 4]


def test_bands_leave_a_value_to_every_site() -> None:
    ages = np.array(["1"] * 20 + ["2", "3"])
    parts = by_values(ages, 3, np.random.default_rng(1))
    assert [len(part) for part in parts] == [20, 1, 1]


def test_words_stay_together_and_fill_the_emptiest_site() -> None:
    places = np.array(["arm"] * 5 + ["back"] * 4 + ["face"] * 3 + ["7"] * 2)
    parts = by_values(places, 2, np.random.default_rng(1))
    assert [sorted(set(places[part])) for part in parts] == [["7", "arm"], ["back", "face"]]


def test_too_few_values_are_told() -> None:
    with pytest.raises(InvalidInput, match="2: female, male"):
        by_values(np.array(["male", "female", ""]), 3, np.random.default_rng(1))


def test_a_partition_by_column_needs_the_column() -> None:
    with pytest.raises(InvalidInput, match="column 'age'"):
        partitioner("by:age")(LABELS, 2, np.random.default_rng(1))


def test_holdings_count_by_site_and_class() -> None:
    labels = np.array([0, 2, 2, 0, 0])
    parts = [np.array([0, 1, 2]), np.array([3, 4])]
    assert holdings(labels, parts, 3).tolist() == [[1, 0, 2], [2, 0, 0]]
