"""Arrays of pictures beside arrays of labels, in MedMNIST's layout and in others like it.

`train_images` goes with `train_labels`, `val_…` and `test_…` likewise; `images`, `x` or `data`
are pictures and `labels`, `y` or `targets` are labels, with the part's name before or behind,
or without one. A pickle may also hold `(pictures, labels)`, `((…), (…))` for training and
test, or a list of `[picture, label]`. Labels are numbers, texts, or rows with one 1; names of
numbered classes may stand in `class_names`.

References: J. Yang et al., "MedMNIST v2", Scientific Data 10, 2023.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imaging.readers.array_pictures import ArrayPicture, LooseRows, Rows, float_scale
from imaging.readers.bounds import BOUNDS, Bounds
from imaging.readers.content import Content
from imaging.readers.entries import Entry
from imaging.readers.errors import BrokenSource, UnknownLayout
from imaging.readers.labels import NO_LABEL, NO_SINGLE_CLASS, as_label, one_of, part_of
from imaging.readers.pickled import read_pickle, settled
from imaging.readers.stored_array import StoredArray, read_npy
from imaging.readers.zip_place import ZipPlace
from imaging.source import OnSkip, Skipped, ignore

SUFFIXES = (".npz", ".npy", ".p", ".pkl", ".pickle")
_PICTURES = {"images", "image", "x", "data", "pictures"}
_LABELS = {"labels", "label", "y", "targets", "target"}
_CLASS_NAMES = {"class_names", "classes", "label_names", "categories"}

Named = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class ArraySet:
    """Pictures and labels that belong together.

    Attributes:
        name: Of the pictures.
        part: `train`, `validation`, `test`, `audit`, or empty.
        rows: The pictures.
        labels: For each its class as text, or `None`.
    """

    name: str
    part: str
    rows: Rows
    labels: Sequence[str | None]


def read_arrays(sets: Iterable[ArraySet], on_skip: OnSkip) -> Iterator[ArrayPicture]:
    """Every picture of every set; told: those without a single class."""
    for one in sets:
        scale = float_scale(one.rows)
        for number, text in enumerate(one.labels):
            name = f"{one.name}/{number}"
            label = as_label(text) if text is not None else None
            if label is None:
                on_skip(Skipped(name, NO_SINGLE_CLASS if text is None else NO_LABEL))
            else:
                yield ArrayPicture(name, label, one.rows, number, scale, one.part)


def array_sets(entries: Iterable[Entry], bounds: Bounds = BOUNDS) -> list[ArraySet]:
    """The sets in array files, training first; labels are read, pictures stay where they are.

    Raises:
        UnknownLayout: No pictures have labels.
        BrokenSource: A file is damaged, or pictures and labels do not go together.
    """
    named: Named = {}
    for entry in entries:
        named |= _named_arrays(entry, bounds)
    classes = next((_texts(named[key]) for key in named if key.lower() in _CLASS_NAMES), ())
    pictures, labels = _by_part(named, _PICTURES), _by_part(named, _LABELS)
    sets = [
        _array_set(pictures[part], part, named, labels[part], classes)
        for part in ("", "train", "validation", "test", "audit")
        if part in pictures and part in labels
    ]
    if not sets:
        raise UnknownLayout(
            "These arrays are not labelled pictures",
            expected="names such as train_images and train_labels, or x and y",
            received=", ".join(sorted(named)) or "nothing",
        )
    return sets


def _named_arrays(entry: Entry, bounds: Bounds) -> Named:
    """What one file holds, by name."""
    suffix, stem = entry.path.suffix.lower(), entry.path.stem
    if suffix == ".npy":
        return {stem: read_npy(entry.content, bounds)}
    if suffix == ".npz":
        return _npz(entry.content, bounds)
    return _from_pickle(stem, read_pickle(entry.content, bounds))


def _npz(content: Content, bounds: Bounds) -> Named:
    found = ZipPlace(content, bounds).entries(ignore)
    return {
        str(entry.path.with_suffix("")): read_npy(entry.content, bounds)
        for entry in found
        if entry.path.suffix == ".npy"
    }


def _from_pickle(name: str, value: Any) -> Named:
    if isinstance(value, dict):
        return {_text(key): settled(one) for key, one in value.items()}
    if isinstance(value, tuple | list) and all(_is_pair(one) for one in value) and value:
        if len(value) in (2, 3) and all(_is_set(one) for one in value):
            parts = ("train", "test") if len(value) == 2 else ("train", "validation", "test")
            return {
                f"{part}_{what}": settled(one[place])
                for part, one in zip(parts, value, strict=True)
                for place, what in enumerate(("images", "labels"))
            }
        return {"images": [one[0] for one in value], "labels": [one[1] for one in value]}
    if _is_pair(value):
        return {"images": settled(value[0]), "labels": settled(value[1])}
    return {name: settled(value)}


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2


def _is_set(value: Any) -> bool:
    """Whether the second of a pair holds many labels, and not one."""
    second = settled(value[1])
    return isinstance(second, list) or (isinstance(second, StoredArray) and second.shape != ())


def _by_part(named: Mapping[str, Any], words: set[str]) -> dict[str, str]:
    """The name of what the words mean, by part."""
    found: dict[str, str] = {}
    for name in named:
        tokens = [token for token in re.split(r"[_\-. ]+", name.lower()) if token]
        parts = [part_of(token) for token in tokens if part_of(token)]
        rest = [token for token in tokens if not part_of(token)]
        if len(rest) == 1 and rest[0] in words and len(parts) < 2:
            part = parts[0] if parts else ""
            if part in found:
                raise UnknownLayout(
                    "Two arrays claim to be the same", expected=found[part], received=name
                )
            found[part] = name
    return found


def _array_set(
    name: str, part: str, named: Mapping[str, Any], labels: str, classes: Sequence[str]
) -> ArraySet:
    rows, texts = _rows(name, named[name]), _labels(named[labels], classes)
    if len(rows) != len(texts):
        raise BrokenSource(
            f"{name} and {labels} do not go together",
            expected=f"{len(rows)} labels, one for each picture",
            received=len(texts),
        )
    return ArraySet(name, part, rows, texts)


def _rows(name: str, value: Any) -> Rows:
    if isinstance(value, StoredArray) and len(value.shape) in (3, 4):
        return value
    arrays = [settled(one) for one in value] if isinstance(value, list) else []
    if arrays and all(isinstance(one, StoredArray) for one in arrays):
        return LooseRows(arrays)
    received = value.shape if isinstance(value, StoredArray) else "something else"
    raise BrokenSource(
        f"{name} holds no pictures",
        expected="an array (n, height, width) or (n, height, width, channels), or a list of such",
        received=received,
    )


def _labels(value: Any, classes: Sequence[str]) -> list[str | None]:
    if isinstance(value, StoredArray):
        array = value.load()
        if array.ndim == 2 and array.shape[1] > 1:
            places = (one_of(row) for row in array.tolist())
            return [None if place is None else _class(place, classes) for place in places]
        value = array.reshape(-1).tolist()
    if not isinstance(value, list):
        raise BrokenSource("These are no labels", expected="numbers or texts", received=type(value))
    return [_class(settled(one), classes) for one in value]


def _class(value: Any, classes: Sequence[str]) -> str | None:
    if isinstance(value, StoredArray):
        array = value.load()
        place = one_of(array.tolist()) if array.size > 1 and array.ndim == 1 else None
        value = array.item() if array.size == 1 else place
    if isinstance(value, list):
        value = one_of(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int):
        return classes[value] if 0 <= value < len(classes) else str(int(value))
    return _text(value) if isinstance(value, str | bytes) else None


def _texts(value: Any) -> tuple[str, ...]:
    """Names of classes; none, where it is something else."""
    if isinstance(value, StoredArray):
        value = value.load().tolist() if value.dtype.kind in "US" else []
    items = value if isinstance(value, list | tuple) else []
    return tuple(_text(one) for one in items if isinstance(one, str | bytes))


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
