"""One option of the command line, its environment twin, and how its text becomes a value."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PREFIX = "COMMONSIGHT_"

LONGEST_LIST = 1000
"""Entries of an option that takes several."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option of one or more commands.

    Attributes:
        name: As on the command line, without dashes: `port-base`.
        metavar: What its value is called in the help.
        parse: Makes the value of the text; ValueError or ArgumentTypeError refuses it.
        default: Value where neither the command line nor the environment gives one.
        help: What it does.
        required: Whether there must be a value.
        repeated: Whether it may be given several times; its texts are then joined with blanks.
    """

    name: str
    metavar: str
    parse: Callable[[str], Any]
    default: Any
    help: str
    required: bool = False
    repeated: bool = False

    @property
    def twin(self) -> str:
        """The environment variable that means the same."""
        return PREFIX + self.name.upper().replace("-", "_")


def whole(lowest: int, highest: int) -> Callable[[str], int]:
    """Takes whole numbers in a range."""

    def parse(text: str) -> int:
        number = int(text)
        if not lowest <= number <= highest:
            raise argparse.ArgumentTypeError(f"must be from {lowest} to {highest}, not {number}")
        return number

    parse.__name__ = "whole number"
    return parse


def number(text: str) -> float:
    """Takes a number."""
    return float(text)


def several(entry: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    """Takes entries between commas, each once."""

    def parse(text: str) -> tuple[Any, ...]:
        try:
            entries = tuple(dict.fromkeys(entry(part.strip()) for part in text.split(",")))
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"must be {entry.__name__}s between commas, not {text!r}"
            ) from None
        if len(entries) > LONGEST_LIST or "" in entries:
            raise argparse.ArgumentTypeError(f"must be 1 to {LONGEST_LIST} entries between commas")
        return entries

    parse.__name__ = "list"
    return parse


def one_of(*words: str) -> Callable[[str], str]:
    """Takes one of some words."""

    def parse(text: str) -> str:
        if text not in words:
            raise argparse.ArgumentTypeError(f"must be one of {', '.join(words)}, not {text!r}")
        return text

    parse.__name__ = "word"
    return parse


def folder(text: str) -> Path:
    """Takes a path, from the caller's folder or from a home."""
    try:
        return Path(text).expanduser().resolve()
    except (OSError, RuntimeError) as error:
        # There is no such user, or links lead in a circle.
        raise argparse.ArgumentTypeError(str(error)) from None
