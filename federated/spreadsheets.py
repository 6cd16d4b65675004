"""Cells of CSV files, which people open with a spreadsheet."""

from __future__ import annotations

import unicodedata

_SIGNS = frozenset("=+-@")
_BLANKS = frozenset("\t\r\n")


def guarded(cell: object) -> object:
    """A cell that no spreadsheet takes for a formula, whoever wrote it; numbers pass as they are.

    Full-width signs begin a formula too, where people write with them.

    Reference:
        OWASP, "CSV Injection".
    """
    if not isinstance(cell, str):
        return cell
    first = unicodedata.normalize("NFKC", cell.lstrip()[:1])
    return f"'{cell}" if first in _SIGNS or cell[:1] in _BLANKS else cell
