import pytest

from webapp.checklists.dermoscopy_score import COLOURS, STRUCTURES, dermoscopy_score


def score(axes: int, segments: int, colours: int, structures: int) -> tuple[float, str]:
    found = dermoscopy_score(
        axes, segments, frozenset(COLOURS[:colours]), frozenset(STRUCTURES[:structures])
    )
    assert found is not None
    return found.total, found.meaning


@pytest.mark.parametrize(
    ("counts", "total", "meaning"),
    [
        ((0, 0, 1, 1), 1.0, "benign"),
        ((2, 8, 6, 5), 8.9, "highly_suspicious"),
        # 1 × 1.3 + 4 × 0.1 + 3 × 0.5 + 3 × 0.5
        ((1, 4, 3, 3), 4.7, "benign"),
        ((1, 5, 3, 3), 4.8, "suspicious"),
        ((2, 3, 2, 3), 5.4, "suspicious"),
        ((2, 4, 2, 3), 5.5, "highly_suspicious"),
    ],
)
def test_the_papers_weights_and_thresholds(
    counts: tuple[int, int, int, int], total: float, meaning: str
) -> None:
    assert score(*counts) == (total, meaning)


def test_nothing_is_scored_before_all_is_filled_in() -> None:
    one, dots = frozenset({"red"}), frozenset({"dots"})
    assert dermoscopy_score(None, 0, one, dots) is None
    assert dermoscopy_score(0, None, one, dots) is None
    assert dermoscopy_score(0, 0, frozenset(), dots) is None
    assert dermoscopy_score(0, 0, one, frozenset()) is None


def test_what_the_rule_does_not_know_is_refused() -> None:
    one, dots = frozenset({"red"}), frozenset({"dots"})
    for axes, segments, colours, structures in (
        (3, 0, one, dots),
        (0, 9, one, dots),
        (0, 0, frozenset({"green"}), dots),
        (0, 0, one, frozenset({"veil"})),
    ):
        with pytest.raises(ValueError, match="the rule knows"):
            dermoscopy_score(axes, segments, colours, structures)
