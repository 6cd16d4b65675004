"""The texts and the code that shows them belong together."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import webapp
from webapp.texts import plural_form, text, texts

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


def test_forms_of_a_text_with_a_number_take_the_same_values() -> None:
    for key, entry in texts().items():
        if isinstance(entry, str):
            continue
        assert set(entry) == {"one", "other"}, key
        fields = [
            {f for _, f, _, _ in Formatter().parse(form) if f} - {"count"}
            for form in entry.values()
        ]
        assert fields[0] == fields[1], key


def test_count_chooses_the_form() -> None:
    assert [plural_form(count) for count in (0, 1, 2)] == ["other", "one", "other"]
    assert text("progress.idle", count=1).endswith("one new labelled picture at a site")
    assert text("progress.idle", count=12).endswith("12 new labelled pictures at a site")


def test_texts_are_calm() -> None:
    for key, entry in texts().items():
        for sentence in [entry] if isinstance(entry, str) else entry.values():
            assert "!" not in sentence, key
