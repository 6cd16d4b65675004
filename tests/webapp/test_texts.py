"""The texts and the code that shows them belong together."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

import webapp
from webapp.language import LANGUAGES
from webapp.texts import Plural, plural_form, text, texts

SOURCES = sorted(Path(webapp.__file__).parent.rglob("*.py"))
KEY = re.compile(r"[a-z_]+\.[a-zA-Z0-9_]+")


def calls() -> Iterator[ast.expr]:
    """The first argument of every `text(…)` and `told(…)` in the web app."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("text", "told"):
                yield node.args[0]


def pattern(name: ast.JoinedStr) -> re.Pattern[str]:
    parts = (
        re.escape(p.value) if isinstance(p, ast.Constant) else "[a-z0-9_]+" for p in name.values
    )
    return re.compile("".join(str(part) for part in parts))


def constants() -> set[str]:
    trees = (ast.parse(path.read_text()) for path in SOURCES)
    values = (
        node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)
    )
    return {value for value in values if isinstance(value, str) and KEY.fullmatch(value)}


def test_every_key_in_the_code_has_its_text() -> None:
    literals = {str(name.value) for name in calls() if isinstance(name, ast.Constant)}
    assert len(literals) > 100
    assert literals - texts().keys() == set()


def test_every_pattern_of_keys_in_the_code_has_texts() -> None:
    patterns = [pattern(name) for name in calls() if isinstance(name, ast.JoinedStr)]
    assert patterns
    for found in patterns:
        assert any(found.fullmatch(key) for key in texts()), found.pattern


def test_no_text_is_left_over() -> None:
    named = constants()
    patterns = [pattern(name) for name in calls() if isinstance(name, ast.JoinedStr)]
    unused = [k for k in texts() if k not in named and not any(p.fullmatch(k) for p in patterns)]
    assert unused == []


FORMS = {"en": {"one", "other"}, "zh": {"other"}, "ru": {"one", "few", "many"}}


def fields(entry: str | Plural) -> set[str]:
    """What stands in a text's braces; a number may be left out of one of its forms."""
    forms = [entry] if isinstance(entry, str) else [*entry.values()]
    named = [{name for _, name, _, _ in Formatter().parse(form) if name} for form in forms]
    if not isinstance(entry, str):
        named = [names - {"count"} for names in named]
    assert all(names == named[0] for names in named), entry
    return named[0]


@pytest.mark.parametrize("spoken", LANGUAGES)
def test_a_text_with_a_number_has_the_forms_of_its_language(spoken: str) -> None:
    assert {plural_form(count, spoken) for count in range(200)} == FORMS[spoken]
    for key, entry in texts(spoken).items():
        if not isinstance(entry, str):
            assert set(entry) == FORMS[spoken], key


@pytest.mark.parametrize("spoken", LANGUAGES)
def test_texts_of_a_key_are_filled_with_the_same_in_every_language(spoken: str) -> None:
    for key, entry in texts(spoken).items():
        english = texts()[key]
        assert isinstance(entry, str) == isinstance(english, str), key
        assert fields(entry) == fields(english), key


@pytest.mark.parametrize("spoken", LANGUAGES)
def test_every_language_has_every_text_and_no_other(spoken: str) -> None:
    assert texts(spoken).keys() == texts().keys()


@pytest.mark.parametrize(
    ("spoken", "forms"),
    [
        ("en", ["other", "one", "other", "other", "other"]),
        ("zh", ["other"] * 5),
        ("ru", ["many", "one", "few", "many", "one"]),
    ],
)
def test_count_chooses_the_form_by_the_rule_of_the_language(spoken: str, forms: list[str]) -> None:
    assert [plural_form(count, spoken) for count in (0, 1, 2, 5, "1\u00a0021")] == forms


def test_count_chooses_the_form() -> None:
    assert text("progress.idle", count=1).endswith("one new labelled picture at a site")
    assert text("progress.idle", count=12).endswith("12 new labelled pictures at a site")


@pytest.mark.parametrize("spoken", LANGUAGES)
def test_texts_are_calm(spoken: str) -> None:
    for key, entry in texts(spoken).items():
        for sentence in [entry] if isinstance(entry, str) else entry.values():
            assert not {"!", "！"} & {*sentence}, key
