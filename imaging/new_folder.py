"""A folder that appears with all its files or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from federated.errors import StorageFailure


def check_empty(root: Path) -> None:
    """Refuses a place where something lies already.

    Raises:
        StorageFailure: `root` is a file, or a folder that holds something.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise StorageFailure("The folder is not empty", expected="a new one", received=root)


@contextmanager
def new_folder(root: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `root` when the block ends well.

    Args:
        root: Where it will lie; it may exist if it is empty.

    Raises:
        StorageFailure: `root` holds something, or the disk refused.
    """
    check_empty(root)
    unfinished = root.with_name(root.name + ".unfinished")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        yield unfinished
        unfinished.replace(root)
    except OSError as error:
        raise StorageFailure(
            "The files could not be written", expected=f"room in {root}", received=error
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
