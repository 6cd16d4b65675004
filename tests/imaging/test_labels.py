"""Which label a file's name states, and when it states none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.labels import NameLabel, label_from_name

PETS = ("cat", "dog")
TUMOURS = ("glioma_tumor", "no_tumor", "tumor")
SKIN = ("basal_cell_carcinoma", "melanoma", "nevus")


@pytest.mark.parametrize(
    ("name", "classes", "label"),
    [
        ("cat.12.jpg", PETS, "cat"),
        ("dog (3).png", PETS, "dog"),
        ("Dog3.PNG", PETS, "dog"),
        ("melanoma_4.jpg", SKIN, "melanoma"),
        ("MELANOMA-17.JPG", SKIN, "melanoma"),
        ("IMG_0412 melanoma left arm.jpeg", SKIN, "melanoma"),
        ("basal-cell-carcinoma_0012.png", SKIN, "basal_cell_carcinoma"),
        ("Basal Cell Carcinoma.jpg", SKIN, "basal_cell_carcinoma"),
        ("tumor_1.jpg", TUMOURS, "tumor"),
        ("no_tumor_1.jpg", TUMOURS, "no_tumor"),
        ("No-Tumor (2).jpg", TUMOURS, "no_tumor"),
        ("glioma.tumor.9.png", TUMOURS, "glioma_tumor"),
        ("cat_cat.png", PETS, "cat"),
        ("C:\\dog\\cat.png", PETS, "cat"),
        ("dog/cat.png", PETS, "cat"),
        ("grade2_14.png", ("grade 1", "grade 2"), "grade 2"),
        ("me\u0301lanome_3.jpg", ("mélanome", "nævus"), "mélanome"),
        ("MÉLANOME 3.jpg", ("mélanome", "nævus"), "mélanome"),
        ("母斑_001.jpg", ("母斑", "黒色腫"), "母斑"),
        ("मेलेनोमा-2.png", ("मेलेनोमा", "म"), "मेलेनोमा"),
    ],
)
def test_a_name_with_one_class_gives_its_label(
    name: str, classes: tuple[str, ...], label: str
) -> None:
    assert label_from_name(name, classes) == NameLabel(label, "found", (label,))


@pytest.mark.parametrize(
    "name", ["category.jpg", "nocat.jpg", "bobcat_2.png", "IMG_1234.JPG", "", ".jpg", "cats.jpg"]
)
def test_part_of_a_word_is_not_a_class(name: str) -> None:
    assert label_from_name(name, PETS) == NameLabel(None, "none")


def test_a_letter_without_its_mark_is_another_word() -> None:
    assert label_from_name("मे_2.png", ("म", "ल")).label is None
    assert label_from_name("me\u0301lanome.jpg", ("me", "lanome")).label is None


def test_an_extension_is_not_a_class() -> None:
    assert label_from_name("x.png", ("png", "jpeg")).label is None
    assert label_from_name("jpeg_4.png", ("png", "jpeg")).label == "jpeg"


def test_two_classes_are_ambiguous_and_named() -> None:
    guess = label_from_name("dog and cat.jpg", PETS)
    assert guess == NameLabel(None, "ambiguous", ("cat", "dog"))
    assert "“cat” and “dog”" in guess.detail


def test_a_longer_class_hides_only_what_it_covers() -> None:
    guess = label_from_name("no_tumor tumor.jpg", TUMOURS)
    assert guess == NameLabel(None, "ambiguous", ("no_tumor", "tumor"))


@pytest.mark.parametrize("name", ["no melanoma.jpg", "non-melanoma_3.png", "not_melanoma.jpg"])
def test_a_class_that_the_name_denies_is_not_its_label(name: str) -> None:
    assert label_from_name(name, SKIN) == NameLabel(None, "negated", ("melanoma",))


def test_each_reason_has_a_sentence_of_its_own() -> None:
    names = ("cat.jpg", "x.jpg", "cat dog.jpg", "no cat.jpg")
    assert len({label_from_name(name, PETS).detail for name in names}) == 4


@given(name=st.text(max_size=40))
def test_any_name_has_an_answer(name: str) -> None:
    guess = label_from_name(name, TUMOURS)
    assert (guess.label is not None) == (guess.reason == "found")


@given(
    label=st.sampled_from(TUMOURS),
    before=st.sampled_from(["", "IMG 4 ", "(12)-"]),
    after=st.sampled_from(["", "_7", " (3)", "-b"]),
)
def test_numbers_around_a_class_do_not_matter(label: str, before: str, after: str) -> None:
    assert label_from_name(f"{before}{label.upper()}{after}.jpg", TUMOURS).label == label
