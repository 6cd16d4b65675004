"""Brings a search's pictures into class folders, and goes on where it was interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from federated.errors import StorageFailure
from federated.values import Label
from imaging import jpeg, png
from imaging.errors import ArchiveAway, ArchiveRefused
from imaging.isic.archive import IsicArchive
from imaging.isic.records import ArchiveImage
from imaging.isic.table import MetadataTable, Row, row_of
from imaging.sanitise import DEFAULT_LIMITS
from imaging.source import OnSkip, Skipped, ignore

AT_ONCE = 8
"""Pictures on their way at the same time: polite, and enough to hide the way's length."""
ATTEMPTS = 5

_LABEL: TypeAdapter[str] = TypeAdapter(Label)

OnPicture = Callable[[int], None]
"""Called with how many pictures are done."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which pictures.

    Attributes:
        query: A search in the archive's words; empty finds all.
        collections: Numbers of collections, parted by commas.
        limit: At most so many pictures; 0 for all.
        label: The field of the metadata that names a picture's class, such as `diagnosis_1`.
        licences: Licences that are good enough; empty for all.
    """

    query: str = ""
    collections: str = ""
    limit: int = 0
    label: str = "diagnosis_1"
    licences: tuple[str, ...] = ()


@dataclass(slots=True)
class Collection:
    """What is in the folder afterwards.

    Attributes:
        labels: Pictures of each class.
        licences: Pictures under each licence.
        fetched: Pictures that came over the network this time.
    """

    labels: dict[str, int] = field(default_factory=dict)
    licences: dict[str, int] = field(default_factory=dict)
    fetched: int = 0


def collect(
    archive: IsicArchive,
    wanted: Wanted,
    folder: Path,
    on_picture: OnPicture = lambda _: None,
    on_skip: OnSkip = ignore,
) -> Collection:
    """Brings pictures as `FOLDER/CLASS/ISIC_….jpg`, with their metadata and licences.

    `metadata.csv` has a row for each, `licences/` the texts, `attribution.txt` whom to name.
    A second call goes on: what is there is not fetched again, what broke off is fetched from the
    byte on where it broke.

    Args:
        archive: Where from.
        wanted: Which.
        folder: Where to; new, or one that an earlier call made.
        on_picture: Hears of progress.
        on_skip: Hears of what is left out, and why.

    Raises:
        ArchiveAway: The archive cannot be reached; what has come stays.
        ArchiveRefused: The archive does not take the search.
        StorageFailure: The disk refuses, or the folder is another one's.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        table = MetadataTable(folder / "metadata.csv")
        fetched = _fetch_all(archive, wanted, folder, table, on_picture, on_skip)
        _write_licences(archive, folder, table)
    except OSError as error:
        raise StorageFailure(
            "The pictures could not be written", expected=f"room in {folder}", received=error
        ) from error
    return _counted(folder, table, fetched)


def _fetch_all(
    archive: IsicArchive,
    wanted: Wanted,
    folder: Path,
    table: MetadataTable,
    on_picture: OnPicture,
    on_skip: OnSkip,
) -> int:
    done, fetched = 0, 0
    chosen = islice(_chosen(archive, wanted, on_skip), wanted.limit or None)

    def fetch(picked: tuple[ArchiveImage, str]) -> tuple[Row, bool] | Skipped:
        return _fetch(archive, *picked, folder)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        while group := list(islice(chosen, AT_ONCE * 4)):
            rows = []
            for result in pool.map(fetch, group):
                done += 1
                on_picture(done)
                if isinstance(result, Skipped):
                    on_skip(result)
                    continue
                rows.append(result[0])
                fetched += result[1]
            table.add(rows)
    return fetched


def _chosen(
    archive: IsicArchive, wanted: Wanted, on_skip: OnSkip
) -> Iterator[tuple[ArchiveImage, str]]:
    """The pictures that can be used, with their labels."""
    for image in archive.search(wanted.query, wanted.collections, on_skip):
        label = image.fact(wanted.label)
        if wanted.licences and image.copyright_license not in wanted.licences:
            on_skip(Skipped(image.isic_id, f"its licence is {image.copyright_license}"))
        elif label is None:
            on_skip(Skipped(image.isic_id, f"has no {wanted.label}"))
        elif image.files.full.size > DEFAULT_LIMITS.max_bytes:
            on_skip(Skipped(image.isic_id, f"its file has {image.files.full.size} bytes"))
        else:
            try:
                yield image, _LABEL.validate_python(label)
            except ValidationError:
                on_skip(Skipped(image.isic_id, f"its {wanted.label} cannot be a label"))


def _fetch(
    archive: IsicArchive, image: ArchiveImage, label: str, folder: Path
) -> tuple[Row, bool] | Skipped:
    """One picture's row, and whether it had to be fetched; or why it is left out."""
    place = folder / label
    place.mkdir(exist_ok=True)
    for ending in ("jpg", "png"):
        there = place / f"{image.isic_id}.{ending}"
        if there.exists() and there.stat().st_size == image.files.full.size:
            return row_of(image, label, f"{label}/{there.name}"), False
    part = place / f".{image.isic_id}.part"
    try:
        _bring(archive, image, part)
    except ArchiveRefused as error:
        part.unlink(missing_ok=True)
        return Skipped(image.isic_id, f"could not be had: {error.problem.lower()}")
    kind = _kind(part)
    if kind is None:
        part.unlink()
        return Skipped(image.isic_id, "not a JPEG or PNG picture")
    whole = place / f"{image.isic_id}.{kind}"
    part.replace(whole)
    return row_of(image, label, f"{label}/{whole.name}"), True


def _bring(archive: IsicArchive, image: ArchiveImage, part: Path) -> None:
    """Fills `part`, from where it ends already; goes on after a break, a few times.

    Raises:
        ArchiveAway: It broke off too often.
        ArchiveRefused: The file is not there, or not of the size that was told.
    """
    size = image.files.full.size
    for attempt in range(ATTEMPTS):
        try:
            _append(archive, image.files.full.url, part, size)
            return
        except ArchiveAway:
            if attempt == ATTEMPTS - 1:
                raise


def _append(archive: IsicArchive, url: str, part: Path, size: int) -> None:
    part.touch()
    held = part.stat().st_size
    with (
        archive.file(url, held if held < size else 0) as (start, pieces),
        part.open("r+b") as file,
    ):
        file.truncate(start)
        file.seek(start)
        for piece in pieces:
            file.write(piece)
            if file.tell() > size:
                raise ArchiveRefused("The file is longer than was told", expected=f"{size} bytes")
    if part.stat().st_size < size:
        raise ArchiveAway("The archive broke off", expected=f"{size} bytes")


def _kind(path: Path) -> str | None:
    with path.open("rb") as file:
        beginning = file.read(8)
    if beginning.startswith(jpeg.SIGNATURE):
        return "jpg"
    return "png" if beginning.startswith(png.SIGNATURE) else None


def _write_licences(archive: IsicArchive, folder: Path, table: MetadataTable) -> None:
    texts = folder / "licences"
    texts.mkdir(exist_ok=True)
    for kind in sorted({row["copyright_license"] for row in table.rows.values()}):
        text = texts / f"{kind}.txt"
        if not text.exists():
            text.write_text(archive.licence(kind), encoding="utf-8")
    names = sorted({row["attribution"] for row in table.rows.values() if row["attribution"]})
    (folder / "attribution.txt").write_text("\n\n".join(names) + "\n", encoding="utf-8")


def _counted(folder: Path, table: MetadataTable, fetched: int) -> Collection:
    found = Collection(fetched=fetched)
    for row in table.rows.values():
        if not (folder / row["file"]).exists():
            continue
        found.labels[row["label"]] = found.labels.get(row["label"], 0) + 1
        kind = row["copyright_license"]
        found.licences[kind] = found.licences.get(kind, 0) + 1
    return found
