"""How far an update is from the weights that it began with."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from federated.wire import UpdateReader, read_update_document
from serving.blobs import open_blob


def update_norm(base: Path, update: Path) -> float:
    """The L2 norm of the difference, over every tensor that travels.

    Args:
        base: Blob of the weights that the task named.
        update: Blob of the update, of this site's own making.

    Returns:
        At least 0; one tensor of each is in memory at a time.

    Raises:
        InvalidInput: A file is no whole blob.
    """
    squares = 0.0
    with open_blob(base) as before, open_blob(update) as blob:
        after = UpdateReader(blob, read_update_document(blob), before)
        for name in after.keys():  # noqa: SIM118
            moved = after.get_tensor(name).astype(np.float64) - before.get_tensor(name)
            squares += float(np.vdot(moved, moved))
    return math.sqrt(squares)
