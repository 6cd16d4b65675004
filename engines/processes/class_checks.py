"""Whether the classes of a data set can be trained; a class must not go missing unheard."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from engines.processes.errors import WrongOption
from imaging.source import OnSkip, Skipped, SourcePicture


def watching_folders(data: Path, on_skip: OnSkip) -> OnSkip:
    """An `on_skip` that takes the loss of a file, and not that of a class folder.

    Args:
        data: Holds class folders in folders `train`, `test` and so on.
        on_skip: Told of files; what lies beside those folders is nobody's loss.
    """

    def note(skipped: Skipped) -> None:
        part, _, name = skipped.name.partition("/")
        is_folder = "/" not in name and (data / skipped.name).is_dir()
        if name and is_folder and not name.startswith("."):
            raise WrongOption(
                f"The class folder {skipped.name} cannot be used: {skipped.reason}",
                expected="a folder of this data set, named by up to 64 letters, digits and "
                "spaces or . _ ( ) -",
                received=name,
            )
        if name and not part.startswith("."):
            on_skip(skipped)

    return note


def check_no_folder_empty(train: Path, classes: Sequence[str]) -> None:
    """Refuses class folders that gave no class.

    Raises:
        WrongOption: There is one.
    """
    paths = (path for path in train.iterdir() if path.is_dir() and path.name[0] != ".")
    # Labels are in composed form; a file system may hand out names with their accents apart.
    folders = {unicodedata.normalize("NFC", path.name) for path in paths}
    if empty := folders - set(classes):
        raise WrongOption(
            "A class folder has no pictures",
            expected=f"JPEG or PNG files in every class folder of {train}",
            received=sorted(empty),
        )


def check_classes(place: Path, classes: Sequence[str], others: Iterable[SourcePicture]) -> None:
    """Refuses what cannot be told apart, or tested.

    Args:
        place: The training pictures, for the message.
        classes: Theirs.
        others: Pictures that are not trained on.

    Raises:
        WrongOption: There is one class only, or another part has a class more.
    """
    if len(classes) < 2:
        raise WrongOption(
            "There is nothing to tell apart",
            expected=f"two or more classes with pictures in {place}",
            received=f"only '{classes[0]}'" if classes else "none",
        )
    if unknown := {found.label for found in others} - set(classes):
        raise WrongOption(
            "A class that is not trained cannot be tested",
            expected=f"only classes of {place}",
            received=sorted(unknown),
        )
