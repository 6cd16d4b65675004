import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from child.store.picture_rows import NewPicture
from federated.errors import NotFound
from tests.child.conftest import named


def sha(number: int) -> str:
    return f"{number:064x}"


@pytest.fixture
def store(pushed):
    return pushed.child.pictures


def add(store, labels):
    start = len(store.places("skin"))
    store.add(
        "skin",
        [
            NewPicture(sha(start + n), label, width=3, height=4, row=start + n)
            for n, label in enumerate(labels)
        ],
    )


def test_counts_by_class_and_without_a_label(store):
    add(store, ["benign"] * 5 + ["malignant"] * 2 + [None] * 3)
    tally = store.tally("skin")
    assert tally.counts == {"benign": 5, "malignant": 2}
    assert (tally.unlabelled, tally.new_labelled, tally.labelled) == (3, 7, 7)


def test_pictures_are_new_until_their_update_has_arrived(store):
    add(store, ["benign"] * 5)
    store.deal("skin", "task-1", fraction=0, seed=0)
    add(store, ["malignant"] * 2)
    assert store.tally("skin").new_labelled == 7
    store.confirm("another-task")
    assert store.tally("skin").new_labelled == 7
    store.confirm("task-1")
    assert store.tally("skin").new_labelled == 2


def test_a_part_once_dealt_is_kept(store):
    add(store, ["benign"] * 8 + ["malignant"] * 4)
    first = {e.sha256: e.part for e in store.deal("skin", "a", fraction=0.25, seed=1)}
    assert sorted(first.values()).count("validation") == 3
    add(store, ["benign"] * 8)
    second = {e.sha256: e.part for e in store.deal("skin", "b", fraction=0.25, seed=2)}
    assert {name: second[name] for name in first} == first
    assert sorted(second.values()).count("validation") == 5


def test_what_judges_never_trains_in_a_run_that_keeps_nothing_back(store):
    add(store, ["benign"] * 8 + ["malignant"] * 4)
    store.deal("skin", "a", fraction=0.25, seed=1)
    judging = {e.sha256 for e in store.judging("skin", ("benign", "malignant"), 512)}
    add(store, ["benign"] * 8)
    dealt = store.deal("skin", "b", fraction=0, seed=1)
    assert {e.sha256 for e in dealt if e.part != "train"} == judging
    assert sum(e.part == "train" for e in dealt) == 20 - 3


def test_a_group_keeps_its_part_when_the_label_of_its_picture_is_taken_away(store):
    pictures = [NewPicture(sha(n), "benign", 3, 4, n, f"lesion {n // 2}") for n in range(10)]
    store.add("skin", [one for n, one in enumerate(pictures) if n % 2 == 0])
    dealt = store.deal("skin", None, fraction=0.4, seed=1)
    judging = [e.row for e in dealt if e.part == "validation"]
    assert len(judging) == 2
    store.relabel("skin", sha(judging[0]), None)
    store.add("skin", [one for n, one in enumerate(pictures) if n % 2])
    again = store.deal("skin", None, fraction=0, seed=1)
    assert [e.row for e in again if e.part == "validation"] == sorted(
        [judging[0] + 1, judging[1], judging[1] + 1]
    )


def test_examples_come_by_name_whatever_the_order_of_upload(store):
    store.add("skin", [NewPicture(sha(n), "benign", 3, 4, row) for row, n in enumerate((9, 2, 5))])
    dealt = store.deal("skin", "a", fraction=0, seed=0)
    assert [(e.sha256, e.row) for e in dealt] == [(sha(2), 1), (sha(5), 2), (sha(9), 0)]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(["benign", "malignant", None]), min_size=1, max_size=30),
    st.floats(0, 0.9),
)
def test_whatever_is_uploaded_no_picture_is_on_both_sides(pushed, labels, fraction):
    store = pushed.child.pictures
    for name in list(store.places("skin")):
        store.remove("skin", name)
    add(store, labels)
    dealt = store.deal("skin", "t", fraction=fraction, seed=3)
    assert (
        len({e.sha256 for e in dealt}) == len(dealt) == sum(label is not None for label in labels)
    )
    for label in {e.label for e in dealt}:
        assert any(e.part == "train" for e in dealt if e.label == label)


def test_a_picture_of_another_study_is_not_found(store):
    add(store, ["benign"])
    with pytest.raises(NotFound):
        store.get("other", sha(0))


def test_a_restart_removes_what_a_crash_left(pushed, make_child):
    pushed.upload(*named(2))
    folder = pushed.child.state.pictures / "skin"
    real = sorted(path.name for path in folder.iterdir())
    study = pushed.child.studies.get("skin").study
    pixels = pushed.child.folder.array(study)
    pixels.append(pixels.open()[:1])
    (folder / f"{'f' * 64}.png").write_bytes(b"a file without a row")
    (folder / "draft-xyz").write_bytes(b"half a file")
    make_child()._tidy()
    assert sorted(path.name for path in folder.iterdir()) == real
    assert pixels.open()[:2].any(axis=(1, 2, 3)).all()
    assert not pixels.open()[2].any()


def test_a_restart_finds_pictures_and_studies_again(pushed, make_child):
    pushed.upload(*named(3))
    again = make_child()
    again._tidy()
    assert again.pictures.tally("skin").counts == {"benign": 2, "malignant": 1}
    assert again.studies.get("skin").current is not None
