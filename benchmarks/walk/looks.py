"""What a page may not have, whatever it shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import axe_playwright_python

from webapp.texts import text

AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"

# Browsers let the keyboard reach a table that scrolls; axe-core knows that only of older ones.
SERIOUS = """async () => {
  const isTable = (found, node) => found.id === "scrollable-region-focusable"
    && document.querySelector(node.target[0])?.querySelector("table");
  return (await axe.run(document, {resultTypes: ["violations"]})).violations
  .filter(found => ["serious", "critical"].includes(found.impact))
  .map(found => ({...found, nodes: found.nodes.filter(node => !isTable(found, node))}))
  .filter(found => found.nodes.length)
  .map(found => [found.id, ...found.nodes.map(node => node.html.slice(0, 160))].join(" | ")); }"""

WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

SAID = """() => {
  const said = [];
  const machine = "code, pre, .katex, script, style, [data-testid='stIconMaterial']";
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const parent = node.parentElement;
    if (!parent.closest(machine) && parent.checkVisibility({visibilityProperty: true}))
      said.push(node.textContent);
  }
  for (const name of ["alt", "placeholder", "title", "aria-label"])
    for (const one of document.querySelectorAll(`[${name}]`)) said.push(one.getAttribute(name));
  return said.map(words => words.trim()).filter(Boolean);
}"""
"""All that a page says, but what is written for machines."""

ENGLISH = re.compile(r"\b[A-Za-z]{2,}(?:[ ,]+[a-z]{2,}){2,}\b")
"""Three words in a row; names of methods and of people have fewer, or capitals."""

CITED = re.compile(r"[A-Z][\w.]+ et al\.[^;]*")
"""A source is cited in the language that it is written in."""


def faults_of(page: Any, language: str, names: Sequence[str]) -> list[str]:
    """What is wrong with the page that is open.

    Args:
        page: Of Playwright.
        language: That the page is to be in.
        names: Words of the data itself, which no language changes.
    """
    return [
        *_broken(page),
        *_too_wide(page),
        *hindrances(page),
        *(foreign(page.evaluate(SAID), names) if language != "en" else ()),
    ]


def _broken(page: Any) -> Iterator[str]:
    if page.get_by_test_id("stException").count() or page.get_by_text("Traceback").count():
        yield "shows a programmer's words"
    told = text("layout.unexpected", number="0").partition("0")[0].strip()[:30]
    if page.get_by_text(told).count():
        yield "tells of something unexpected"


def _too_wide(page: Any) -> Iterator[str]:
    wider = int(page.evaluate(WIDER))
    if wider > 0:
        yield f"is {wider} pixels wider than the screen"


def hindrances(page: Any) -> list[str]:
    """What on the page hinders people who see, hear or move otherwise, by axe-core.

    Args:
        page: Of Playwright.
    """
    page.evaluate(_axe())
    found: list[str] = page.evaluate(SERIOUS)
    return found


@cache
def _axe() -> str:
    return AXE.read_text(encoding="utf-8") + "; null"


def foreign(said: Iterable[str], names: Sequence[str]) -> list[str]:
    """English among the words of a page that speaks another language.

    Args:
        said: The page's words, a string each.
        names: Words of the data itself.
    """
    found: dict[str, None] = {}
    for words in said:
        rest = CITED.sub("", words)
        for name in names:
            rest = rest.replace(name, "")
        for match in ENGLISH.finditer(rest):
            found[f"speaks English: {match.group()} (in: {words[:100]})"] = None
    return list(found)
