"""`python -m benchmarks.walk`: every story in every language at both widths, or those named."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import product
from pathlib import Path

from benchmarks.walk.servers import NAMES, Stage, stage
from benchmarks.walk.walker import DESK, PHONE, Setting, Walker, walker
from webapp.language import LANGUAGES, speaking

PEOPLE = {"operator": "console", "clinician": "site", "educator": "classroom"}
"""Whose stories are walked, each with the role of the web app."""
WIDTHS = (DESK, PHONE)


@dataclass(frozen=True, slots=True)
class Walked:
    """One story.

    Attributes:
        person: Whose.
        setting: Language, width and colours.
        steps: Pictures that were taken.
        seconds: It took.
        faults: What was wrong, in words.
    """

    person: str
    setting: Setting
    steps: int
    seconds: float
    faults: Sequence[str]


def main() -> int:
    """Walks, prints a line for each story, and ends with 1 where anything was wrong."""
    chosen = _options()
    with tempfile.TemporaryDirectory() as name, stage(Path(name)) as ready:
        print("The servers are ready.", file=sys.stderr, flush=True)
        walked = [_told(one) for one in _walks(ready, chosen, Path(name))]
    return int(any(one.faults for one in walked))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.walk", description=__doc__)
    parser.add_argument("--people", nargs="+", choices=PEOPLE, default=[*PEOPLE])
    parser.add_argument("--languages", nargs="+", choices=[*LANGUAGES], default=[*LANGUAGES])
    parser.add_argument("--widths", nargs="+", type=int, choices=WIDTHS, default=[*WIDTHS])
    parser.add_argument("--scheme", choices=["light", "dark"], default="light", help="colours")
    parser.add_argument("--album", type=Path, default=Path("artefacts/walk"), help="for pictures")
    return parser.parse_args()


def _walks(ready: Stage, chosen: argparse.Namespace, folder: Path) -> Iterator[Walked]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        for person, language, width in product(chosen.people, chosen.languages, chosen.widths):
            setting = Setting(language, width, chosen.scheme)
            album, address = chosen.album / person, ready.addresses[PEOPLE[person]]
            with walker(driver, address, setting, album, NAMES) as one, speaking(language):
                yield _walked(person, one, ready, folder)


def _walked(person: str, one: Walker, ready: Stage, folder: Path) -> Walked:
    walk: Callable[[Walker, Stage, Path], None] = import_module(f"benchmarks.walk.{person}").walk
    began = time.perf_counter()
    try:
        walk(one, ready, folder)
    except Exception as error:
        # Whatever stopped it is a fault of this story; the others are walked all the same.
        one.faults.append(f"stopped after step {one.steps}: {str(error)[:600]}")
        one.page.screenshot(path=one.album / f"{one.setting}-stopped.png")
    seconds = time.perf_counter() - began
    return Walked(person, one.setting, one.steps, seconds, tuple(one.faults))


def _told(one: Walked) -> Walked:
    who, outcome = f"{one.person:10} {one.setting!s:16}", f"{len(one.faults)} faults"
    print(f"{who} {one.steps:3} pictures {one.seconds:4.0f} s  {outcome}", flush=True)
    for fault in one.faults:
        print(f"    {fault}", flush=True)
    return one


if __name__ == "__main__":
    sys.exit(main())
