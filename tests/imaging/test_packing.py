"""Packing a data set into batches, and the folder that they lie in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from federated.errors import StorageFailure
from imaging.batch_server import read_index
from imaging.batches import Batch
from imaging.errors import BrokenBatch, NoPictures, NoSuchBatch
from imaging.folders import read_class_folders
from imaging.packing import pack_batches, read_batch, write_batches
from imaging.sanitise import sanitise
from imaging.source import Skipped
from tests.imaging.files import file_of, picture

DATA = Path(__file__).parents[3] / "shared" / "data"


@dataclass(frozen=True)
class Listed:
    """A picture from a list: the smallest kind of `SourcePicture`."""

    name: str
    label: str
    data: bytes
    part: str = ""
    of: str = ""
    stamp: str = ""

    @property
    def group(self) -> str:
        return self.of or self.name

    @property
    def metadata(self) -> dict[str, str]:
        return {}

    def read(self) -> bytes:
        return self.data


def listed(**counts: int) -> list[Listed]:
    return [
        Listed(f"{label}-{n}", label, file_of(picture(6, 7, seed=1000 * kind + n)))
        for kind, (label, count) in enumerate(counts.items())
        for n in range(count)
    ]


def pack(pictures: list[Listed], count: int, train: int, validation: int) -> list[Batch]:
    return list(pack_batches(pictures, count, train, validation, np.random.default_rng(5)))


def test_each_part_of_each_batch_has_the_mix_of_the_whole() -> None:
    # 90 + 30 pictures: three of a kind to one of the other, so 12 + 4 and 3 + 1.
    for batch in pack(listed(nevus=90, melanoma=30), 6, 16, 4):
        assert len(batch.train) == 16
        assert len(batch.validation) == 4
        assert abs(sum(one.label == "melanoma" for one in batch.train) - 4) <= 1
        assert abs(sum(one.label == "melanoma" for one in batch.validation) - 1) <= 1


def test_no_picture_comes_twice_even_if_it_has_two_files() -> None:
    pictures = listed(cat=12, dog=12)
    twins = [
        Listed(f"{one.name}'s twin", one.label, one.data + b"other bytes behind it")
        for one in pictures[::3]
    ]
    skipped: list[Skipped] = []
    batches = list(
        pack_batches(pictures + twins, 3, 6, 2, np.random.default_rng(5), skipped.append)
    )
    packed = [one.png for batch in batches for one in batch.train + batch.validation]
    assert len(set(packed)) == len(packed) == 24
    assert {entry.reason for entry in skipped} == {"the same picture is there already"}


def test_fragments_of_a_picture_only_train_or_only_judge() -> None:
    pictures = [replace(one, of=f"scan {n // 3}") for n, one in enumerate(listed(cat=36, dog=24))]
    scan = {sanitise(one.data).sha256: one.group for one in pictures}
    for seed in range(4):
        batches = list(pack_batches(pictures, 3, 6, 3, np.random.default_rng(seed)))
        sides = [
            {scan[sanitise(one.png).sha256] for batch in batches for one in getattr(batch, part)}
            for part in ("train", "validation")
        ]
        assert sides[0]
        assert sides[1]
        assert sides[0].isdisjoint(sides[1])


def test_every_picture_is_used_before_there_are_too_few() -> None:
    assert len(pack(listed(cat=10, dog=10), 4, 4, 1)) == 4
    with pytest.raises(NoPictures, match=r"5 × \(3 \+ 1\).*Received 19"):
        pack(listed(cat=10, dog=9), 5, 3, 1)


def test_a_picture_that_does_not_pass_the_border_is_replaced_by_another() -> None:
    pictures = [*listed(cat=10, dog=10), Listed("bad", "cat", b"\xff\xd8\xff")]
    skipped: list[Skipped] = []
    list(pack_batches(pictures, 5, 3, 1, np.random.default_rng(5), skipped.append))
    assert [entry.name for entry in skipped] in (["bad"], [])
    assert len(pack(pictures, 5, 3, 1)) == 5


def test_the_same_seed_packs_the_same_batches() -> None:
    assert pack(listed(cat=8, dog=8), 2, 5, 2) == pack(listed(cat=8, dog=8), 2, 5, 2)


def test_the_folder_gives_back_what_was_written(tmp_path: Path) -> None:
    batches = pack(listed(cat=8, dog=8), 2, 5, 2)
    index = write_batches(tmp_path / "batches", batches)
    assert read_index(str(tmp_path / "batches"))[0] == index
    assert index.classes == ("cat", "dog")
    for entry, batch in zip(index.batches, batches, strict=True):
        assert read_batch(tmp_path / "batches", entry.sha256) == batch
        assert sum(entry.train.values()) == 5
        assert sum(entry.validation.values()) == 2


def test_a_batch_that_was_changed_on_the_disk_is_refused(tmp_path: Path) -> None:
    index = write_batches(tmp_path / "batches", pack(listed(cat=8, dog=8), 2, 5, 2))
    first, second = (entry.sha256 for entry in index.batches)
    path = tmp_path / "batches" / f"{first}.safetensors"
    path.write_bytes((tmp_path / "batches" / f"{second}.safetensors").read_bytes())
    with pytest.raises(BrokenBatch, match=second):
        read_batch(tmp_path / "batches", first)
    with pytest.raises(NoPictures):
        read_batch(tmp_path / "batches", "0" * 64)


def test_too_few_pictures_leave_no_folder_behind(tmp_path: Path) -> None:
    batches = pack_batches(listed(cat=9), 2, 5, 2, np.random.default_rng(5))
    with pytest.raises(NoPictures):
        write_batches(tmp_path / "batches", batches)
    with pytest.raises(NoPictures):
        write_batches(tmp_path / "batches", [])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(StorageFailure):
        write_batches(tmp_path, pack(listed(cat=9), 1, 5, 2))
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_missing_or_broken_index_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoSuchBatch):
        read_index(str(tmp_path))
    (tmp_path / "index.json").write_text('{"format": 1, "classes": [], "batches": []}')
    with pytest.raises(BrokenBatch):
        read_index(str(tmp_path))


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared pictures are not on this machine")
def test_a_data_set_of_unequal_classes_keeps_its_mix(tmp_path: Path) -> None:
    pictures = list(read_class_folders(DATA / "brain_mri4" / "train"))
    share = sum(one.label == "no_tumor" for one in pictures) / len(pictures)
    for batch in pack_batches(pictures, 2, 100, 10, np.random.default_rng(5)):
        assert batch.classes == ("glioma_tumor", "meningioma_tumor", "no_tumor", "pituitary_tumor")
        found = sum(one.label == "no_tumor" for one in batch.train)
        assert abs(found - share * 100) <= 2
