"""The control variates cᵢ that this site keeps to itself, where a plan's strategy has such.

There is a file for each task, and the master says in the next task which of them its update has
counted of: an update that came too late, or was not accepted, has changed nothing at the master,
and changes nothing here. So the file may be written before the task is done in the database.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

KEPT_FILES = 16
"""Files that are kept, each as large as what is trained; the oldest go first."""


class LocalControls:
    """The folder of these files.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def place(self, run: str, task: str) -> Path:
        """Where what a task makes of this site's control variate is to be written."""
        return self._root / f"{_name(run)}.{_name(task)}"

    def of_task(self, run: str, task: str | None) -> Path | None:
        """What a task has made of it, a blob of tensors; None where there is none.

        Files of the same run that nothing goes on from are deleted.

        Args:
            run: The run.
            task: Its last task here whose update has counted.
        """
        kept = None if task is None else self.place(run, task)
        for path in self._root.glob(f"{_name(run)}.*"):
            if path != kept:
                path.unlink(missing_ok=True)
        files = sorted(self._root.iterdir(), key=lambda path: path.stat().st_mtime)
        for path in files[:-KEPT_FILES]:
            path.unlink(missing_ok=True)
        return kept if kept is not None and kept.exists() else None


def _name(word: str) -> str:
    # The names of runs and tasks are the master's words, which may be anything.
    return hashlib.sha256(word.encode()).hexdigest()
