"""The pictures of a source on the site's disk, as files that are uploaded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from child.picture_groups import LONGEST_WORD, checked_word
from child.uploads import File
from federated.study import Study
from imaging.errors import RefusedPicture
from imaging.readers.bounds import Bounds
from imaging.readers.choice import Kind
from imaging.readers.found import Found
from imaging.source import Skipped

BOUNDS = Bounds(entries=200_000, unpacked=16 * 2**30, table=64 * 2**20)
"""How large a source may be."""

Refuse = Callable[[str, str], None]
"""Called with the name of a file that is not taken, and with the reason."""


def files_of(
    pictures: Callable[[Callable[[Skipped], None]], Iterator[Found]],
    kind: Kind,
    study: Study,
    refuse: Refuse,
) -> Iterator[File]:
    """Files in the source's order, each read when it is asked for.

    Args:
        pictures: As `imaging.readers.dataset.OpenedDataset` gives them.
        kind: How the source says which picture is of which class.
        study: Whose classes count. Where files' names say the class, a name may say none, as
            in an upload; a folder or a table that names another class is refused.
        refuse: Told of what is left out.
    """
    for found in pictures(lambda skipped: refuse(skipped.name, _sentence(skipped.reason))):
        label = study.spelling(found.label)
        if label is None and kind != "file-names":
            refuse(found.name, f"The study has no class “{found.label}”.")
            continue
        try:
            data = found.read()
        except RefusedPicture as error:
            refuse(found.name, error.detail)
        except OSError:
            refuse(found.name, "The file could not be read.")
        else:
            yield File(found.name, data, _word(found), label)


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}."


def _word(found: Found) -> str:
    """The word for what a picture was taken from; empty where nothing says it.

    A reader gives a picture that is alone its own path, which would keep it alone for good.
    """
    own = PurePosixPath(found.part) / found.label / PurePosixPath(found.name).name
    if found.group in ("", found.name, str(own)):
        return ""
    if len(found.group) > LONGEST_WORD:
        return hashlib.sha256(found.group.encode(errors="surrogatepass")).hexdigest()
    return checked_word(found.group)
