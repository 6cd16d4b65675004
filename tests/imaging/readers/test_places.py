"""Folders and archives as places: what they give, what they leave out, what they refuse."""

from __future__ import annotations

import gzip
import io
import stat
import struct
import tarfile
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imaging.readers.bounds import BOUNDS, Bounds
from imaging.readers.content import MemoryContent, Unpacked, file_content
from imaging.readers.entries import Place
from imaging.readers.errors import BrokenSource, OversizedSource
from imaging.readers.folder_place import FolderPlace
from imaging.readers.tar_place import TarPlace, unpack_gzip
from imaging.readers.zip_place import ZipPlace
from imaging.source import Skipped, ignore

FILES = {"b/2.txt": b"two" * 3000, "a/10.txt": b"ten", "a/9.txt": b"nine", "top.txt": b""}


def zip_of(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return written.getvalue()


def tar_of(files: dict[str, bytes], *others: tarfile.TarInfo) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for other in others:
            archive.addfile(other)
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return written.getvalue()


def zip_place(data: bytes, bounds: Bounds = BOUNDS) -> ZipPlace:
    return ZipPlace(MemoryContent(data), bounds)


def tar_place(data: bytes, bounds: Bounds = BOUNDS) -> TarPlace:
    return TarPlace(MemoryContent(data), bounds)


def read(place: Place) -> tuple[dict[str, bytes], dict[str, str]]:
    """Files in their order with their bytes, and what was left out with its reason."""
    skipped: list[Skipped] = []
    entries = list(place.entries(skipped.append))
    files = {str(entry.path): entry.content.read(0, entry.content.size) for entry in entries}
    return files, {one.name: one.reason for one in skipped}


@pytest.mark.parametrize("kind", ["folder", "stored", "deflated", "tar", "tar in gzip"])
def test_every_place_gives_the_same_files_in_the_same_order(kind: str, tmp_path: Path) -> None:
    places: dict[str, Place] = {
        "folder": FolderPlace(tmp_path),
        "stored": zip_place(zip_of(FILES, zipfile.ZIP_STORED)),
        "deflated": zip_place(zip_of(FILES)),
        "tar": tar_place(tar_of(FILES)),
        "tar in gzip": TarPlace(unpack_gzip(MemoryContent(gzip.compress(tar_of(FILES))))),
    }
    for name, data in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    files, skipped = read(places[kind])
    assert files == FILES
    assert list(files) == ["a/10.txt", "a/9.txt", "b/2.txt", "top.txt"]
    assert skipped == {}
    for entry in places[kind].entries(ignore):
        data = FILES[str(entry.path)]
        assert entry.content.read(2, 5) == data[2:7]
        assert entry.content.seekable().read(1, 9000) == data[1:]


def test_a_part_of_a_file_is_read_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(zip_of(FILES, zipfile.ZIP_STORED))
    entries = {str(e.path): e for e in ZipPlace(file_content(tmp_path / "x.zip")).entries(ignore)}
    assert entries["a/9.txt"].content.read(1, 2) == b"in"
    assert len({entry.content.stamp for entry in entries.values()}) == 4


LEADS_OUT = "its path leads out of the data set"


def test_what_leads_out_of_a_zip_is_left_out() -> None:
    names = ("../x.jpg", "/etc/x.jpg", "a/../../x.jpg", "C:/x.jpg", "a\\..\\x.jpg")
    files, skipped = read(zip_place(zip_of(dict.fromkeys((*names, "a/ok.jpg"), b"x"))))
    assert list(files) == ["a/ok.jpg"]
    assert set(skipped.values()) == {LEADS_OUT}
    assert len(skipped) == len(names)


def test_what_leads_out_of_a_tar_is_left_out() -> None:
    files, skipped = read(
        tar_place(tar_of(dict.fromkeys(("../x", "/x", "a/../../x", "a/ok"), b"x")))
    )
    assert list(files) == ["a/ok"]
    assert set(skipped.values()) == {LEADS_OUT}


def test_links_and_devices_of_archives_are_left_out() -> None:
    link = zipfile.ZipInfo("a/link.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("__MACOSX/a/._1.jpg", b"x")
        archive.writestr("a/.hidden", b"x")
    assert read(zip_place(written.getvalue())) == (
        {},
        {"__MACOSX/a/._1.jpg": "hidden", "a/.hidden": "hidden", "a/link.jpg": "a link"},
    )
    others = [tarfile.TarInfo(name) for name in ("soft", "hard", "device", "pipe")]
    kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)
    for member, kind in zip(others, kinds, strict=True):
        member.type, member.linkname = kind, "/etc/passwd"
    files, skipped = read(tar_place(tar_of({"ok": b"x"}, *others)))
    assert list(files) == ["ok"]
    assert skipped == {
        "soft": "a link",
        "hard": "a link",
        "device": "not a plain file",
        "pipe": "not a plain file",
    }


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_two_files_of_one_name_the_first_counts() -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("a/1", b"first")
        archive.writestr("a/1", b"second")
    files, skipped = read(zip_place(written.getvalue()))
    assert files == {"a/1": b"first"}
    assert skipped == {"a/1": "there is another file of this name"}


def test_links_of_a_folder_do_not_lead_out_or_in_circles(tmp_path: Path) -> None:
    (tmp_path / "set" / "a").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x").touch()
    (tmp_path / "set" / "a" / "circle").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "out").symlink_to(tmp_path / "outside")
    (tmp_path / "set" / "1").touch()
    files, skipped = read(FolderPlace(tmp_path / "set"))
    assert files == {"1": b""}
    assert skipped == {
        "a/circle": "a link that leads in a circle",
        "out": "a link that leads out of the data set",
    }


def test_a_folder_has_a_depth_and_a_number_of_files(tmp_path: Path) -> None:
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    for name in ("a/1", "a/b/2", "a/b/c/3"):
        (tmp_path / name).touch()
    files, skipped = read(FolderPlace(tmp_path, replace(BOUNDS, depth=2)))
    assert list(files) == ["a/1", "a/b/2"]
    assert skipped == {"a/b/c": "more than 2 folders deep"}
    with pytest.raises(OversizedSource, match="too many files"):
        read(FolderPlace(tmp_path, replace(BOUNDS, entries=2)))


def test_a_bomb_is_left_out_or_refused_before_it_goes_off() -> None:
    few = replace(BOUNDS, harmless=1000, unpacked=100_000)
    files, skipped = read(zip_place(zip_of({"bomb": bytes(50_000), "ok": b"x"}), few))
    assert list(files) == ["ok"]
    assert skipped == {"bomb": "would unpack to far more than its size"}
    many = {f"{n}": bytes(range(200)) * 3 for n in range(200)}
    with pytest.raises(OversizedSource, match="unpacks to too much"):
        read(zip_place(zip_of(many), few))
    for place in (zip_place(zip_of(many), replace(few, entries=100)),):
        with pytest.raises(OversizedSource, match="too many files"):
            read(place)
    with pytest.raises(OversizedSource, match="too many files"):
        read(tar_place(tar_of(many), replace(few, entries=100)))
    with pytest.raises(OversizedSource, match="unpacks to too much"):
        unpack_gzip(MemoryContent(gzip.compress(bytes(50_000))), few)


def test_a_file_never_unpacks_to_more_than_its_archive_says() -> None:
    # The directory says 10 bytes, what is packed are 5000.
    data = bytearray(zip_of({"liar": b"x" * 5000}))
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 10)
    (entry,) = zip_place(bytes(data)).entries(ignore)
    assert entry.content.read(0, 10_000) == b"x" * 10
    assert entry.content.seekable().size == 10


def test_a_file_without_a_name_makes_a_damaged_archive() -> None:
    data = zip_of({"a": b"x"})
    at = data.rindex(b"PK\x01\x02")
    nameless = data[: at + 28] + b"\0\0" + b"\1\0" + data[at + 32 :]
    with pytest.raises(BrokenSource):
        read(zip_place(nameless))


def test_encrypted_and_oddly_packed_files_are_left_out() -> None:
    data = bytearray(zip_of({"secret": b"x" * 50}))
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    assert read(zip_place(bytes(data))) == ({}, {"secret": "encrypted"})
    odd = zip_of({"odd": b"x" * 50}, zipfile.ZIP_LZMA)
    assert "packed in a way" in read(zip_place(odd))[1]["odd"]


def test_a_damaged_file_costs_itself_only() -> None:
    data = bytearray(zip_of({"a": b"x" * 5000, "b": b"fine"}))
    data[35:40] = b"\xff\xff\xff\xff\xff"
    broken, fine = zip_place(bytes(data)).entries(ignore)
    with pytest.raises(BrokenSource):
        broken.content.read(0, 5000)
    assert fine.content.read(0, 9) == b"fine"


@pytest.mark.parametrize("cut", [1, 30, 3000, 9000])
def test_an_archive_that_is_cut_short_says_so(cut: int) -> None:
    with pytest.raises(BrokenSource):
        read(zip_place(zip_of(FILES)[:-cut]))
    with pytest.raises(BrokenSource):
        unpack_gzip(MemoryContent(gzip.compress(tar_of(FILES))[: -min(cut, 60)]))


def test_a_tar_that_is_cut_short_keeps_its_whole_files() -> None:
    data = tar_of({"a": b"x" * 600, "b": b"y" * 600, "c": b"z"})
    files, skipped = read(tar_place(data[: 512 + 1024 + 512 + 100]))
    assert files == {"a": b"x" * 600}
    assert skipped == {"b": "cut short", "the archive after 2 files": "cut short or damaged"}
    # Cut between two files, where nothing looks wrong.
    assert "the archive after 1 files" in read(tar_place(data[: 512 + 1024]))[1]
    with pytest.raises(BrokenSource):
        read(tar_place(b"no archive at all" * 100))


def test_unpacked_bytes_go_with_the_object_that_holds_them() -> None:
    content = Unpacked(iter([b"abc", b"def"]), MemoryContent(b"x"), BOUNDS)
    assert (content.size, content.read(2, 3), content.read(5, 9)) == (6, b"cde", b"f")


@settings(max_examples=150)
@given(st.data())
def test_damage_is_an_error_of_ours(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["zip", "tar"]))
    whole = zip_of(FILES) if kind == "zip" else tar_of(FILES)
    changed = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 4))):
        if changed:
            changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    with suppress(BrokenSource):
        read(zip_place(bytes(changed)) if kind == "zip" else tar_place(bytes(changed)))
