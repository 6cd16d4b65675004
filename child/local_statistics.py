"""BatchNorm's statistics that this site keeps to itself, where a plan says `local`.

What BatchNorm has measured on a site's pictures suits them better than an average over sites
does. So a site puts its own on whenever it loads the weights of the run that they belong to: to
train on, and to predict. A file for each run; lost, they are measured anew.

References:
    X. Li et al., "FedBN: Federated Learning on Non-IID Features via Local Batch Normalization",
    ICLR 2021. https://arxiv.org/abs/2102.07623
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

KEPT_RUNS = 64
"""Runs whose statistics are kept; those that were trained longest ago go first."""


class LocalStatistics:
    """The folder of these files.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def of_run(self, run: str | None) -> Path | None:
        """The file of a run, a blob of tensors; None where this site has not trained in it."""
        path = None if run is None else self._path(run)
        return path if path is not None and path.exists() else None

    def keep(self, run: str, draft: Path) -> None:
        """Makes a finished file those of a run; one that is not there is fine."""
        if not draft.exists():
            return
        os.replace(draft, self._path(run))
        files = sorted(self._root.iterdir(), key=lambda path: path.stat().st_mtime)
        for path in files[:-KEPT_RUNS]:
            path.unlink()

    def _path(self, run: str) -> Path:
        # The name of a run is the master's word, which may be anything.
        return self._root / f"{hashlib.sha256(run.encode()).hexdigest()}.safetensors"
