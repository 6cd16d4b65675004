"""Whether an HDF5 file may be read: it comes from a stranger and can be made to do harm."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import h5py

from federated.errors import InvalidInput, TooLarge

MOST_OBJECTS = 100_000
DEEPEST = 32


def check_h5(path: Path, most_values: int) -> None:
    """Looks through the whole file, reading no tensor.

    Links that lead elsewhere, groups with two names, data that lie in other files, anything but
    plain numbers and more of them than expected are refused.

    Args:
        path: The file.
        most_values: Numbers that the file may declare in all its tensors together.

    Raises:
        InvalidInput: It is no HDF5 file, or holds what no file of weights needs.
        TooLarge: It declares too much.
    """
    values = objects = 0
    try:
        with h5py.File(path, "r") as file:
            for entry in _entries(file, depth=0, met=set()):
                objects += 1
                if isinstance(entry, h5py.Dataset):
                    _check_dataset(entry)
                    values += math.prod(entry.shape)
                if values > most_values or objects > MOST_OBJECTS:
                    raise TooLarge(
                        f"The file {path.name} declares more than this model needs",
                        expected=f"at most {most_values:,} values",
                    )
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise _harmful(path.name, str(error)) from error


def _entries(group: h5py.Group, depth: int, met: set[int]) -> Iterator[h5py.Group | h5py.Dataset]:
    """All that lies within `group`; `met` holds where the groups lie that were entered."""
    if depth > DEEPEST:
        raise ValueError(f"groups within groups, deeper than {DEEPEST}")
    place = h5py.h5o.get_info(group.id).addr
    if place in met:
        # Two names at every depth would make 2^depth ways through a small file.
        raise ValueError(f"a second name of a group: {group.name}")
    met.add(place)
    for name in group:
        # A link is asked what it is before it is followed.
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"a link that leads elsewhere: {name}")
        child = group[name]
        if not isinstance(child, h5py.Group | h5py.Dataset):
            raise ValueError(f"neither tensor nor group: {name}")
        yield child
        if isinstance(child, h5py.Group):
            yield from _entries(child, depth + 1, met)


def _check_dataset(dataset: h5py.Dataset) -> None:
    if dataset.external or dataset.is_virtual:
        raise ValueError(f"data that lie in another file: {dataset.name}")
    if dataset.shape is None or dataset.dtype.kind not in "fiub":
        raise ValueError(f"no plain numbers: {dataset.name}")


def _harmful(name: str, reason: str) -> InvalidInput:
    return InvalidInput(
        f"The file {name} cannot be read as weights",
        expected="an HDF5 file as Keras writes it",
        received=reason,
        code="invalid_weights_file",
    )
