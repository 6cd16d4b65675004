import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federated.errors import InvalidInput
from federated.partition import iid, label_skew, partitioner

LABELS = np.repeat([0, 1, 2], [60, 30, 9])


@given(st.sampled_from(["iid", "dirichlet:0.3", "dirichlet:100", "label-skew"]), st.integers(2, 7))
def test_every_picture_is_dealt_out_once(text: str, sites: int) -> None:
    parts = partitioner(text)(LABELS, sites, np.random.default_rng(1))
    assert len(parts) == sites
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(len(LABELS)))


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
    "text", ["", "iid:1", "dirichlet", "dirichlet:0", "dirichlet:nan", "shards"]
)
def test_a_wrong_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        partitioner(text)


def test_label_skew_needs_two_sites() -> None:
    with pytest.raises(InvalidInput, match="several sites"):
        partitioner("label-skew")(LABELS, 1, np.random.default_rng(1))
