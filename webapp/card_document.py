"""A model card as a Markdown file, which prints well and runs nothing of what strangers wrote."""

from __future__ import annotations

from collections.abc import Sequence

from webapp.card_facts import CardFacts
from webapp.card_sections import Rows, Section, sections
from webapp.texts import text
from webapp.words import day, plain


def as_markdown(facts: CardFacts, now: float) -> str:
    """The whole card.

    Args:
        facts: What is known.
        now: Seconds since the epoch.
    """
    title = plain(text("model_card.of", study=facts.study.name))
    written = plain(text("model_card.written", at=day(now)))
    parts = [f"# {title}", written, *map(_section, sections(facts))]
    return "\n\n".join([*parts, f"*{plain(text('layout.not_a_device'))}*"]) + "\n"


def _section(section: Section) -> str:
    parts = [f"## {plain(section.title)}", *map(plain, section.before)]
    if section.points:
        parts.append("\n".join(f"- {plain(point)}" for point in section.points))
    if section.rows:
        parts.append(_table(section.rows))
    return "\n\n".join([*parts, *map(plain, section.after)])


def _table(rows: Rows) -> str:
    heads = list(rows[0])
    lines = [_line(heads), _line(["---"] * len(heads), escaped=True)]
    return "\n".join([*lines, *(_line([row[head] for head in heads]) for row in rows)])


def _line(cells: Sequence[str], *, escaped: bool = False) -> str:
    return "| " + " | ".join(cells if escaped else map(plain, cells)) + " |"
