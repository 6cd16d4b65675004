"""The last lines of a process's log, kept in memory: what an operator may look at from afar."""

from __future__ import annotations

import logging
import re
from collections import deque

LINES = 200
LONGEST = 300
"""Characters of one line: a log is looked at, not copied."""

_SECRET = re.compile(
    r"(?i)((?:token|secret|passw(?:or)?d|pwd|bearer|key)\W{1,3}(?:bearer )?)\S+"
    r"|((?:authorization|cookie)\W{1,3}).+"
)
_OPAQUE = re.compile(r"[A-Za-z0-9_\-]{24,}")
_IN_ADDRESS = re.compile(r"(://)\S{1,500}@")


class RecentLog(logging.Handler):
    """Remembers the newest lines; what looks like a token or a password is cut out of them."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: deque[str] = deque(maxlen=LINES)
        # The time in UTC, as every other time of the interface.
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    @property
    def lines(self) -> list[str]:
        """The newest lines, oldest first."""
        return list(self._lines)

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps a record's first line: a trace behind it may hold what must not be seen."""
        try:
            self._lines.append(without_secrets(self.format(record).split("\n", 1)[0]))
        except Exception:
            self.handleError(record)


def without_secrets(line: str) -> str:
    """A line of a log without what could be a token, a password or the whole of a hash."""
    hidden = _SECRET.sub(r"\1\2…", _IN_ADDRESS.sub(r"\1…@", line))
    return _OPAQUE.sub(lambda found: f"{found.group()[:8]}…", hidden)[:LONGEST]
