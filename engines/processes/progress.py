"""What the user sees while things happen: lines and bars on standard error."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

if TYPE_CHECKING:
    Bar = tqdm[Any]

Say = Callable[[str], None]
"""Tells the user what is happening."""


def say(text: str) -> None:
    """Prints a line, above any bar; a terminal that has gone is no reason to fail."""
    with contextlib.suppress(OSError):
        tqdm.write(text, file=sys.stderr)
        sys.stderr.flush()


def bar(total: int, what: str, unit: str) -> Bar:
    """A progress bar; on something that is no terminal it prints a line now and then."""
    interval = 0.1 if sys.stderr.isatty() else 10.0
    shown: Bar = tqdm(
        total=total, desc=what, unit=f" {unit}", mininterval=interval, dynamic_ncols=True
    )
    return shown
