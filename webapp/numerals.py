"""Numbers, units and dates as the page's language writes them, by the Unicode CLDR.

English keeps to what science writes: a thin space between thousands, units of the SI, and the
year first in a date.
"""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import get_decimal_symbol, get_group_symbol
from babel.units import format_unit

from webapp.language import locale

GAP = "\u00a0"
"""Between a figure and its unit, where no line is to end."""

_ENGLISH_UNITS = MappingProxyType(
    {
        "digital-byte": "B",
        "digital-kilobyte": "kB",
        "digital-megabyte": "MB",
        "digital-gigabyte": "GB",
        "second": "s",
        "minute": "min",
        "hour": "h",
        "day": "d",
    }
)


def localised(written: str) -> str:
    """A number as Python writes it, with the decimal sign of the page's language."""
    return written.replace(".", get_decimal_symbol(locale()))


def grouped(number: int) -> str:
    """A whole number with its thousands told apart."""
    rules = locale()
    between = "\u202f" if _english(rules) else get_group_symbol(rules)
    return f"{number:,}".replace(",", between)


def separators() -> str:
    """The signs for decimals and between thousands, as a chart's axes are told of them."""
    rules = locale()
    between = "\u202f" if _english(rules) else get_group_symbol(rules)
    return f"{get_decimal_symbol(rules)}{between}"


def in_percent(written: str) -> str:
    """A number as Python writes it, with the sign of per cent."""
    rules = locale()
    spaced = _english(rules) or GAP in str(rules.percent_formats[None].pattern)
    return f"{localised(written)}{GAP if spaced else ''}%"


def with_unit(written: str, unit: str) -> str:
    """A number as Python writes it, with its unit.

    Args:
        written: The number.
        unit: As CLDR names it: `second`, `digital-megabyte`.
    """
    rules = locale()
    if _english(rules):
        return f"{written}{GAP}{_ENGLISH_UNITS[unit]}"
    return format_unit(localised(written), unit, length="short", locale=rules).replace(" ", GAP)


def date_and_time(moment: datetime) -> str:
    """A date with hours and minutes, in figures."""
    rules = locale()
    if _english(rules):
        return f"{moment:%Y-%m-%d %H:%M}"
    return format_datetime(moment, "short", locale=rules)


def date_alone(moment: datetime) -> str:
    """A date in figures."""
    rules = locale()
    return f"{moment:%Y-%m-%d}" if _english(rules) else format_date(moment, "short", locale=rules)


def _english(rules: Locale) -> bool:
    return rules.language == "en"
