"""Every sentence of the servers that a page can show is told in each language.

What the code writes is read from the code itself: whoever words a refusal anew, or writes a new
one, finds here that the web app cannot tell it yet.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

import webapp
from federated import errors
from webapp.language import speaking
from webapp.retold import retold
from webapp.server_sentences import FOLDER, KINDS, entries
from webapp.texts import plural_form

ROOT = Path(webapp.__file__).parent.parent
SERVERS = ("child", "federated", "imaging", "master", "models", "serving")
ON_A_TERMINAL = (
    "child/settings.py",
    "federated/partition",
    "imaging/commands",
    "imaging/fragments.py",
    "imaging/isic",
    "imaging/new_folder.py",
    "imaging/packing.py",
    "imaging/synthetic",
    "imaging/votes.py",
    "master/settings.py",
    "models/__main__.py",
    "serving/database.py",
    "serving/failpoints.py",
    "serving/options.py",
    "serving/remote_blobs.py",
    "serving/server.py",
    "serving/state_folder.py",
)
"""Said to who starts a server or works at a command line, before there is a page."""

SHAPES = re.compile(r"(u?int\d+|integers|[\d.]+)( (in )?(\d|\(n?|from|to|0\.25)[\d,) ]*)+")
"""Shapes and types of arrays, and names of what is kept: the same in every language."""

SAYS = {"Failure", "Finding", "Skipped", "_refused", "record"}
"""Calls besides the errors', of which an argument is a sentence."""

PARTS = {
    "detail",
    "expected",
    "missing",
    "note",
    "problem",
    "reason",
    "received",
    "sentence",
    "text",
    "why",
    "words",
}


def trees(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith(ON_A_TERMINAL):
                yield name, ast.parse(path.read_text())


def error_names() -> set[str]:
    """The errors of `federated.errors` and whatever descends from them, by name."""
    classes = [n for _, tree in trees(*SERVERS) for n in ast.walk(tree)]
    bases = {
        one.name: {getattr(base, "id", getattr(base, "attr", "")) for base in one.bases}
        for one in classes
        if isinstance(one, ast.ClassDef)
    }
    found = {name for name in vars(errors) if isinstance(getattr(errors, name), type)}
    while more := {name for name in bases if bases[name] & found} - found:
        found |= more
    return found


def filled(words: ast.JoinedStr, fill: str) -> str:
    """An f-string with something in its braces: a figure where one is formatted."""
    said = ""
    for part in words.values:
        if isinstance(part, ast.Constant):
            said += str(part.value)
            continue
        spec = (
            ast.unparse(part.format_spec)
            if isinstance(part, ast.FormattedValue) and part.format_spec
            else ""
        )
        figure = "12.3%" if "%" in spec else "37" if ".0f" in spec or "," in spec else "0.25"
        quoted = isinstance(part, ast.FormattedValue) and part.conversion == ord("r")
        said += figure if spec else "'x'" if quoted else fill
    return said


def said_by(node: ast.expr) -> Iterator[tuple[str, ...]]:
    """What an argument may say, each in the ways in which its braces may be filled."""
    if isinstance(node, ast.IfExp):
        yield from said_by(node.body)
        yield from said_by(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield (node.value,)
    elif isinstance(node, ast.JoinedStr):
        yield tuple(filled(node, fill) for fill in ("7", "x-1", "GIF"))


def sentences() -> Iterator[tuple[str, tuple[str, ...]]]:
    names = error_names()
    for name, tree in trees(*SERVERS):
        for node in ast.walk(tree):
            for told in told_by(node, names):
                for said in said_by(told):
                    if " " in said[0]:
                        yield name, said


def told_by(node: ast.AST, names: set[str]) -> Iterator[ast.expr]:
    """What a call is given, a function yields or returns, or a variable called a reason is."""
    match node:
        case ast.Call():
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if called in names | SAYS:
                yield from node.args[:1] if called in names else node.args
            yield from (one.value for one in node.keywords if one.arg in PARTS)
        case ast.Yield(value=ast.expr() as value) | ast.Return(value=ast.expr() as value):
            yield value
        case ast.Assign(targets=[ast.Name(id=called)], value=value) if called in PARTS:
            yield value


PIECES = {
    " (7)",
    "0.25 points",
    "7 behind, at most 7 count",
    "7 compares a site's steps over the rounds: no search can change the optimiser",
    "7 for round 7.",
    "7 learns from a site's steps how its pictures pull: epochs is 0",
    "7 measured the models of all sites",
    "7 of at least 7 updates accepted7",
    "7 over 7 of the updates, 7",
    "7 remembers how a site's own pictures pull; the public ones that a site gets are others in"
    " each round",
    "7, 7 above the 7, 7",
    "7, and each is given out once a round",
    "7, and each site sends one for a version, but 7",
    "7, but 7",
    "7, of 12.3% in all; pool 7",
    "7, over 0.25 times: too far.",
    "7: 7.",
    "7; 7",
    "7; the round's first model was not measured.",
    "7. 7",
    "HTTP 7: 7",
    "In round 7 7; 7.",
    "Not measured this time: 7",
    "Round 7 of 7 is open7",
    "The 7 of the strategy 'x' cannot be 'x': 7",
    "The strategy 'x' has no 7; 7",
    "The update has 7 as 7",
    "its exact opposite would do better by 0.25",
    "its opposite could not be measured",
    "without this update the round's model has accuracy 7: 7, 7",
}
"""What only its neighbours make a sentence; `test_retold` has the whole ones."""


def test_whatever_a_server_may_say_is_told() -> None:
    found = list(sentences())
    assert len(found) > 500
    with speaking("ru"):
        untold = {
            (name, said[0])
            for name, said in found
            if all(retold(one) == one for one in said) and not SHAPES.fullmatch(said[0])
        }
    assert {one for one in untold if one[1] not in PIECES} == set()


FORMS = {"zh": {"other"}, "ru": {"one", "few", "many"}}


def test_every_sentence_stands_once_and_in_each_language() -> None:
    seen: set[str] = set()
    for sentence, told in entries():
        assert sentence not in seen
        seen.add(sentence)
        assert set(told) == {"zh", "ru"}, sentence
        assert not sentence.endswith("."), sentence


@pytest.mark.parametrize("spoken", FORMS)
def test_a_translation_is_filled_with_nothing_that_the_sentence_lacks(spoken: str) -> None:
    for sentence, told in entries():
        places = {name.partition(":")[0] for _, name, _, _ in _parsed(sentence)}
        entry = told[spoken]
        assert isinstance(entry, str) or set(entry) == FORMS[spoken], sentence
        for form in [entry] if isinstance(entry, str) else entry.values():
            assert {name for _, name, _, _ in _parsed(form)} <= places, sentence
            assert not form.endswith((".", "。")), sentence
            assert not {"!", "！"} & {*form}, sentence


def _parsed(words: str) -> list[tuple[str, str, str | None, str | None]]:
    return [
        (literal, f"{name}:{spec}" if spec else name, spec, conversion)
        for literal, name, spec, conversion in Formatter().parse(words)
        if name
    ]


def test_the_kinds_of_places_are_known() -> None:
    kinds = {"clause", "told", "parts", "each", "list", *KINDS}
    for sentence, _ in entries():
        for kind in re.findall(r"\{\w+:(\w+)\}", sentence):
            assert kind in kinds, sentence


def test_the_files_are_where_they_are_looked_for() -> None:
    assert {path.stem for path in FOLDER.glob("*.toml")} >= {"audit", "events", "pictures"}


def test_forms_with_a_number_follow_it() -> None:
    assert plural_form("21", "ru") == "one"
    with speaking("ru"):
        assert retold("No weight has changed, although the task was 3 epochs.").endswith(
            "(3 эпохи)."
        )
