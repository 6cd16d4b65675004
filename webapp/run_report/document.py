"""The parts of a report as HTML; everything that comes from elsewhere is escaped here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from webapp.charts import Chart
from webapp.language import language
from webapp.run_report.drawing import drawn_as_svg
from webapp.texts import text

STYLE = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""A report loads nothing and runs nothing, whatever a stranger managed to write into it."""


def document(title: str, parts: Sequence[str]) -> str:
    """A whole page that stands by itself.

    Args:
        title: Of the page, as words.
        parts: HTML of this module's functions.
    """
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
    )
    body = f"<main><h1>{escape(title)}</h1>{''.join(parts)}</main>"
    return f'<!doctype html><html lang="{language()}"><head>{head}</head><body>{body}</body></html>'


def heading(key: str) -> str:
    """A heading within the report."""
    return f"<h2>{escape(text(key))}</h2>"


def paragraph(words: str, kind: str = "") -> str:
    """A paragraph of plain words."""
    of_kind = f' class="{kind}"' if kind else ""
    return f"<p{of_kind}>{escape(words)}</p>"


def code(words: str) -> str:
    """Words as they are, line by line."""
    return f"<pre>{escape(words)}</pre>"


def figures(values: Mapping[str, str], below: Mapping[str, str]) -> str:
    """Headline figures, each with its interval below."""
    cells = (
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}"
        f"<small>{escape(below.get(name, ''))}</small></dd></div>"
        for name, value in values.items()
    )
    return f'<dl class="figures">{"".join(cells)}</dl>'


def table(rows: Sequence[Mapping[str, object]], caption: str) -> str:
    """A table with a header; the first column names the row. Empty without rows."""
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{escape(str(name))}</th>' for name in rows[0])
    body = "".join(f"<tr>{_cells([*row.values()])}</tr>" for row in rows)
    return (
        f'<div class="wide"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cells(values: Sequence[object]) -> str:
    first, *rest = (escape(str(value)) for value in values)
    return f'<th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in rest)


def picture(chart: Chart | None) -> str:
    """A chart with its sentence; nothing where there is none."""
    if chart is None:
        return ""
    svg, said = drawn_as_svg(chart), escape(chart.alt)
    return f"<figure>{svg}<figcaption>{said}</figcaption></figure>"
