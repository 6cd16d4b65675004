"""The names that both sides agree on, and what is said of those that are none."""

import unicodedata

import pytest
from pydantic import TypeAdapter, ValidationError

from federated.errors import InvalidInput
from federated.study import Study
from federated.values import Label, ServerUrl, Slug

LABEL, SLUG, URL = (TypeAdapter[str](kind) for kind in (Label, Slug, ServerUrl))


@pytest.mark.parametrize(
    "name", ["mélanome", "ß", "母斑", "меланома", "مليگنا", "मेलेनोमा", "grade 2 (b)", "٣", "a" * 64]
)
def test_labels_in_any_script(name: str) -> None:
    assert LABEL.validate_python(name) == unicodedata.normalize("NFC", name)


def test_a_label_is_kept_composed() -> None:
    assert LABEL.validate_python("me\u0301lanome") == "m\u00e9lanome"
    assert LABEL.validate_python("e\u0301" * 64) == "\u00e9" * 64


@pytest.mark.parametrize(
    "name",
    [
        *("", " nevus", ".nevus", "-x", "_x", "\u0301a", "a/b", "a\\b", "=1+1", "a<b", "😀", "½"),
        *("a\n", "a\x00", "a\x7f", "a\x85", "a\u200b", "a\u202eb", "a\u2215b", "a\u00a0b"),
        *("a" * 65, "é" * 1000, "\u3164", "a\ufe0f", "a\ue000"),
    ],
)
def test_what_is_no_label(name: str) -> None:
    with pytest.raises(ValidationError, match="1 to 64 letters, digits") as caught:
        LABEL.validate_python(name)
    assert len(caught.value.errors()[0]["msg"]) < 250


def test_a_study_knows_its_labels_in_any_case_and_form() -> None:
    study = Study(id="skin", name="Skin", classes=("Mélanome", "Straße", "母斑"))
    for said in ("mélanome", "MÉLANOME", "me\u0301lanome", "Me\u0301lanome"):
        assert study.known_label(said) == "M\u00e9lanome"
    assert study.known_label("STRASSE") == "Straße"
    assert study.spelling("melanome") is None
    for unknown in ("melanome", "", "母", "e\u0301\u0323" * 100_000):
        with pytest.raises(InvalidInput) as caught:
            study.known_label(unknown)
        assert caught.value.code == "unknown_label"


@pytest.mark.parametrize("pair", [("é", "e\u0301"), ("É", "é"), ("ß", "SS"), ("Ａ", "a")])
def test_a_study_has_no_class_twice(pair: tuple[str, str]) -> None:
    with pytest.raises(ValidationError, match="differ by more than case and Unicode form"):
        Study(id="skin", name="Skin", classes=pair)


@pytest.mark.parametrize(
    ("adapter", "received", "words"),
    [
        (SLUG, "Clinic A", "small letters (a-z), digits, '-' or '_'"),
        (URL, "http://a/path", "host and port alone"),
        (LABEL, "a/b", "1 to 64 letters, digits, spaces"),
    ],
)
def test_a_fault_is_told_in_words(adapter: TypeAdapter[str], received: str, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(received)
    message = caught.value.errors()[0]["msg"]
    assert words in message
    assert received in message
    assert "[" not in message


def test_the_words_show_no_password() -> None:
    with pytest.raises(ValidationError) as caught:
        URL.validate_python("http://me:hush@host")
    assert "hush" not in caught.value.errors(include_input=False)[0]["msg"]


def test_one_slash_at_the_end_of_an_address_is_dropped() -> None:
    assert URL.validate_python("https://clinic.example.org:8443/") == (
        "https://clinic.example.org:8443"
    )
    with pytest.raises(ValidationError):
        URL.validate_python("https://clinic.example.org//")
