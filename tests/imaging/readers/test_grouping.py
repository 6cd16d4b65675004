"""Groups: what shares a patient or a lesion belongs together, and nothing else does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from imaging.readers.grouping import group_names
from imaging.readers.table_columns import Wanted

ANY = Wanted()


def taken(patient: str, lesion: str) -> dict[str, str]:
    return {"file": "x.jpg", "patient_id": patient, "lesion_id": lesion}


def test_a_lesion_counts_where_the_patient_is_not_known() -> None:
    # The ISIC archive's tables: both columns are there, and many patients are not.
    rows = [taken("", "L1"), taken("", "L1"), taken("", "L2"), taken("P1", ""), taken("P1", "")]
    names = group_names(rows, ANY)
    assert names == ["lesion_id L1"] * 2 + ["lesion_id L2"] + ["patient_id P1"] * 2


def test_a_patient_or_a_lesion_in_common_is_enough() -> None:
    rows = [taken("", "L2"), taken("P1", "L1"), taken("P1", "L2"), taken("P2", "L3")]
    assert group_names(rows, ANY) == ["patient_id P1"] * 3 + ["patient_id P2"]


def test_two_patients_of_one_lesion_are_one_group() -> None:
    rows = [taken("P7", "L1"), taken("P3", "L1"), taken("P3", "L2"), taken("", "L2")]
    assert group_names(rows, ANY) == ["patient_id P3"] * 4


def test_empty_cells_join_nothing() -> None:
    assert group_names([taken("", ""), taken("", ""), {}], ANY) == ["", "", ""]
    names = group_names([taken("P1", ""), taken("P2", "")], ANY)
    assert names == ["patient_id P1", "patient_id P2"]


def test_the_same_word_in_two_columns_is_not_the_same() -> None:
    assert group_names([taken("7", ""), taken("", "7")], ANY) == ["patient_id 7", "lesion_id 7"]


def test_rows_of_other_tables_may_have_fewer_columns() -> None:
    rows = [{"lesion_id": "L1"}, taken("P1", "L1"), {"lesion_id": "L2"}]
    assert group_names(rows, ANY) == ["patient_id P1", "patient_id P1", "lesion_id L2"]


def test_a_column_that_is_named_counts_alone() -> None:
    rows = [taken("P1", "L1"), taken("P1", "L2"), taken("", "L2")]
    by_lesion = group_names(rows, Wanted(group="lesion_id"))
    assert by_lesion == ["lesion_id L1", "lesion_id L2", "lesion_id L2"]
    assert group_names(rows, Wanted(group="")) == ["", "", ""]


CELLS = st.sampled_from(["", "a", "b", "c", "d", "e"])


@given(st.lists(st.tuples(CELLS, CELLS), max_size=30), st.randoms())
def test_groups_are_what_hangs_together_in_whatever_order(
    cells: list[tuple[str, str]], random: object
) -> None:
    names = dict(zip(cells, group_names([taken(*one) for one in cells], ANY), strict=True))
    for patient, lesion in cells:
        for other, another in cells:
            if (patient and patient == other) or (lesion and lesion == another):
                assert names[patient, lesion] == names[other, another] != ""
    shuffled = list(cells)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    again = group_names([taken(*one) for one in shuffled], ANY)
    assert dict(zip(shuffled, again, strict=True)) == names


def test_a_long_chain_of_patients_and_lesions_is_followed_to_its_end() -> None:
    count = 3000
    chain = [taken(f"P{number}", f"L{number + step}") for number in range(count) for step in (0, 1)]
    assert set(group_names(chain, ANY)) == {"patient_id P0"}
    assert set(group_names(chain[::-1], ANY)) == {"patient_id P0"}
