"""Global models to take away: `.keras` files, made once for each version."""

from __future__ import annotations

import threading
from pathlib import Path

from master.coordinator.evaluation_jobs import global_model
from master.evaluation import draft
from master.services import Services
from master.store.versions import Version


class Exports:
    """A folder of exported models, named by study and weights."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()

    def path(self, version: Version) -> Path:
        """The `.keras` file of a version; made now if it is asked for the first time."""
        folder = self._services.state.exports
        path = folder / f"{version.study.id}-{version.weights}.keras"
        with self._lock:
            if not path.exists():
                unfinished = draft(folder, ".keras")
                try:
                    self._services.evaluator.export(
                        global_model(self._services, version), unfinished
                    )
                    unfinished.replace(path)
                finally:
                    unfinished.unlink(missing_ok=True)
        return path
