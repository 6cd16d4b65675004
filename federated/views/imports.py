"""What a child tells its own site of imports from its disk, and of pictures that look alike."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from federated.messages import Counts
from federated.values import Message
from federated.views.site import PictureView

LabelsFrom = Literal["auto", "class-folders", "file-names", "table", "arrays"]
"""How a source says which picture is of which class; `auto` finds out."""

ImportState = Literal["running", "done", "failed", "stopped"]


class ImportSource(Message):
    """A folder or an archive in a site's import folder.

    Attributes:
        name: Its name in that folder, without a path.
        is_folder: Whether it is a folder.
        size: Bytes of an archive; None of a folder.
    """

    name: str
    is_folder: bool
    size: int | None = None


class ImportSources(Message):
    """What lies in a site's import folder.

    Attributes:
        configured: Whether the site has such a folder.
        sources: By name.
        more: Whether there are more than are listed.
    """

    configured: bool
    sources: tuple[ImportSource, ...] = ()
    more: bool = False


class ImportRefusal(Message):
    """Files that were refused for one reason.

    Attributes:
        reason: As a sentence or a phrase.
        count: How many.
        examples: Where some of them lie within the source; shown to the site, never stored.
    """

    reason: str
    count: int
    examples: tuple[str, ...]


class ImportView(Message):
    """An import, or a dry run of one, under way or over.

    Attributes:
        source: Name of the folder or archive.
        dry_run: Nothing is stored, and the counts say what would be.
        layout: How the source says which picture is of which class, once that is known.
        files: Files in the source, once that is known; an array is one file.
        looked: Pictures and other files that were looked at so far.
        counts: Pictures that are new, by class.
        unlabelled: New pictures whose name says no class of the study.
        duplicates: Pictures that were here already, or twice in the source.
        refused: Files that were not taken.
        refusals: Why, the most frequent reason first.
        detail: Why it failed, as sentences.
    """

    id: str
    study: str
    source: str
    dry_run: bool
    labels_from: LabelsFrom
    state: ImportState
    layout: str = ""
    files: int | None = None
    looked: int = 0
    counts: Counts = Field(default_factory=dict)
    unlabelled: int = 0
    duplicates: int = 0
    refused: int = 0
    refusals: tuple[ImportRefusal, ...] = ()
    detail: str | None = None
    started_at: float
    ended_at: float | None = None


class ImportList(Message):
    """Imports since the child started, newest first."""

    imports: list[ImportView]


class AlikePair(Message):
    """Two pictures that look alike.

    Attributes:
        one: The newer one.
        other: The older one.
        bits: Of 64, in which their difference hashes differ.
    """

    one: PictureView
    other: PictureView
    bits: int


class AlikeView(Message):
    """Pictures of one study that look alike.

    Attributes:
        pairs: The most alike first.
        looked: Pictures that were compared, the newest.
        total: Pictures that there are.
    """

    pairs: tuple[AlikePair, ...]
    looked: int
    total: int
