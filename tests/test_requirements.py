"""`requirements*.txt` are fresh: whole, pinned, and what `pyproject.toml` asks for."""

import importlib.metadata
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = PROJECT["project"]["dependencies"]
TESTS = PROJECT["dependency-groups"]["test"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
FILES = ("requirements.txt", "requirements-test.txt")
ON_CARDS = "requirements-gpu.txt"
FLOWER = "requirements-flower.txt"
"""Flower and what its aggregation rules import, installed without what Flower depends on."""


def lines(name):
    return (ROOT / name).read_text().splitlines()


def entries(name):
    """The requirements of a file, without lines that include another file."""
    return [Requirement(line) for line in lines(name) if not line.startswith("-")]


def version_of(requirement):
    (specifier,) = requirement.specifier
    return Version(specifier.version)


def applies(requirement, extras=frozenset()):
    """Whether a requirement counts on this platform and Python, for one of the extras asked."""
    if requirement.marker is None:
        return True
    return any(requirement.marker.evaluate({"extra": extra}) for extra in {"", *extras})


def pins(*names):
    """The pinned version of each package on this platform."""
    return {
        canonicalize_name(entry.name): version_of(entry)
        for name in names
        for entry in entries(name)
        if applies(entry)
    }


def closure(direct):
    """Every package that these requirements need here, with all that is asked of it."""
    wanted = [Requirement(text) for text in direct]
    asked, visited = {}, set()
    while wanted:
        requirement = wanted.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if not applies(requirement) or (str(requirement), extras) in visited:
            continue
        visited.add((str(requirement), extras))
        asked.setdefault(name, []).append(requirement)
        for text in importlib.metadata.requires(name) or ():
            needed = Requirement(text)
            if applies(needed, extras):
                needed.marker = None
                wanted.append(needed)
    return asked


@pytest.mark.parametrize("name", [*FILES, ON_CARDS, FLOWER])
def test_every_line_is_one_exact_version(name):
    for entry in entries(name):
        assert [specifier.operator for specifier in entry.specifier] == ["=="], str(entry)
        assert not entry.url


@pytest.mark.parametrize("name", [*FILES, ON_CARDS, FLOWER])
def test_no_line_names_a_host_or_a_path(name):
    assert [line for line in lines(name) if "/" in line or "\\" in line] == []


@pytest.mark.parametrize("name", FILES)
def test_no_package_is_pinned_twice_for_one_platform(name):
    names = [canonicalize_name(entry.name) for entry in entries(name) if applies(entry)]
    assert sorted(names) == sorted(set(names))


def test_the_tests_come_on_top_of_the_runtime():
    assert [line for line in lines(FILES[1]) if line.startswith("-")] == [f"-r {FILES[0]}"]
    assert not set(pins(FILES[0])) & set(pins(FILES[1]))


@pytest.mark.parametrize("dependency", [*RUNTIME, *TESTS])
def test_every_direct_dependency_is_pinned_on_every_platform(dependency):
    wanted = Requirement(dependency)
    pinned = [entry for name in FILES for entry in entries(name) if entry.name == wanted.name]
    assert pinned
    assert all(version_of(entry) in wanted.specifier for entry in pinned)


def test_what_an_operator_may_add_is_tested():
    assert {package for extra in EXTRAS.values() for package in extra} <= set(TESTS)


@pytest.mark.parametrize(
    ("direct", "names"), [(RUNTIME, FILES[:1]), (RUNTIME + TESTS, FILES)], ids=FILES
)
def test_the_pins_are_everything_that_is_needed_here_and_nothing_else(direct, names):
    pinned = pins(*names)
    needed = closure(direct)
    assert sorted(needed) == sorted(pinned)
    for name, requirements in needed.items():
        for requirement in requirements:
            assert requirement.specifier.contains(pinned[name], prereleases=True), (
                f"{requirement} is not met by {name} {pinned[name]}"
            )


def test_what_is_installed_is_what_is_pinned():
    installed = {name: Version(importlib.metadata.version(name)) for name in pins(*FILES)}
    assert installed == pins(*FILES)


def test_flower_takes_the_place_of_nothing_and_is_what_is_pinned():
    """Its newer or older twins of our packages would be installed over them, unasked."""
    assert not set(pins(FLOWER)) & set(pins(*FILES))
    installed = {name: Version(importlib.metadata.version(name)) for name in pins(FLOWER)}
    assert installed == pins(FLOWER)
    assert "flwr" in installed


def test_on_cards_all_is_the_same_but_what_computes():
    ours, on_cards = pins(FILES[0]), pins(ON_CARDS)
    assert on_cards.pop("tensorflow") == (ours.pop("tensorflow-cpu", None) or ours["tensorflow"])
    assert "tensorflow-cpu" not in on_cards
    assert {name: on_cards[name] for name in ours if name != "tensorflow"} == {
        name: version for name, version in ours.items() if name != "tensorflow"
    }
    assert any(name.startswith("nvidia-cudnn") for name in on_cards)
