"""The ISIC archive, against a local server that behaves like it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from federated.errors import StorageFailure
from imaging.__main__ import main
from imaging.errors import ArchiveAway, ArchiveRefused
from imaging.folders import read_class_folders
from imaging.isic import Collection, IsicArchive, Wanted, collect
from imaging.isic.archive import polite_session
from imaging.source import Skipped
from tests.imaging.isic.archive_server import Archive, ArchiveServer


def a_jpeg(seed: int) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 60, 3), np.uint8)
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


def name(number: int) -> str:
    return f"ISIC_{number:07}"


@pytest.fixture
def archive() -> Iterator[Archive]:
    with ArchiveServer() as server:
        for number in range(7):
            server.add(name(number), a_jpeg(number), "Malignant" if number % 3 == 0 else "Benign")
        yield server


def fetch(archive: Archive, folder: Path, **wanted: object) -> tuple[Collection, list[Skipped]]:
    skips: list[Skipped] = []
    client = IsicArchive(polite_session(pause_seconds=0), f"{archive.url}/api/v2")
    return collect(client, Wanted(**wanted), folder, on_skip=skips.append), skips  # type: ignore[arg-type]


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metadata.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_pictures_come_into_class_folders_with_their_licences(
    archive: Archive, tmp_path: Path
) -> None:
    found, skips = fetch(archive, tmp_path)
    assert found == Collection({"Malignant": 3, "Benign": 4}, {"CC-BY": 7}, fetched=7)
    assert not skips
    read = {p.name: p.read() for p in read_class_folders(tmp_path)}
    assert read["Malignant/ISIC_0000003.jpg"] == archive.files[name(3)]
    assert len(read) == 7
    assert (tmp_path / "licences" / "CC-BY.txt").read_text() == "Text of CC-BY"
    assert (tmp_path / "attribution.txt").read_text() == "Clinic of the test\n"
    row = rows(tmp_path)[1]
    assert row["isic_id"] == name(1)
    assert row["file"] == "Benign/ISIC_0000001.jpg"
    assert (row["label"], row["age_approx"], row["sex"]) == ("Benign", "45", "")


def test_a_query_and_a_limit_choose(archive: Archive, tmp_path: Path) -> None:
    found, _ = fetch(archive, tmp_path, query="Benign", limit=3)
    assert found.labels == {"Benign": 3}
    assert [row["isic_id"] for row in rows(tmp_path)] == [name(1), name(2), name(4)]


def test_a_second_call_fetches_only_what_is_missing(archive: Archive, tmp_path: Path) -> None:
    fetch(archive, tmp_path, limit=4)
    archive.asked.clear()
    found, _ = fetch(archive, tmp_path)
    assert found.fetched == 3
    assert len(archive.files_asked()) == 3
    assert [row["isic_id"] for row in rows(tmp_path)] == [name(number) for number in range(7)]


def test_a_picture_that_breaks_off_goes_on_from_where_it_broke(
    archive: Archive, tmp_path: Path
) -> None:
    archive.breaks[name(0)] = 2
    fetch(archive, tmp_path, limit=1)
    whole = archive.files[name(0)]
    assert (tmp_path / "Malignant" / "ISIC_0000000.jpg").read_bytes() == whole
    first, second, third = archive.files_asked()
    assert first == "GET /files/ISIC_0000000.JPG"
    assert second == f"{first} bytes={len(whole) // 2}-"
    assert third.split("bytes=")[1] > second.split("bytes=")[1]


def test_where_the_server_knows_no_ranges_it_begins_again(archive: Archive, tmp_path: Path) -> None:
    archive.knows_ranges = False
    archive.breaks[name(0)] = 1
    fetch(archive, tmp_path, limit=1)
    file = tmp_path / "Malignant" / "ISIC_0000000.jpg"
    assert file.read_bytes() == archive.files[name(0)]


def test_a_call_after_an_interruption_goes_on(archive: Archive, tmp_path: Path) -> None:
    archive.breaks[name(0)] = 99
    with pytest.raises(ArchiveAway, match="broke off"):
        fetch(archive, tmp_path, limit=1)
    assert list(read_class_files(tmp_path)) == []
    held = (tmp_path / "Malignant" / ".ISIC_0000000.part").stat().st_size
    assert held > 0
    archive.breaks.clear()
    archive.asked.clear()
    fetch(archive, tmp_path, limit=1)
    assert archive.files_asked() == [f"GET /files/ISIC_0000000.JPG bytes={held}-"]
    assert (tmp_path / "Malignant" / "ISIC_0000000.jpg").read_bytes() == archive.files[name(0)]


def read_class_files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*.jpg"))


def test_a_busy_archive_is_asked_again(archive: Archive, tmp_path: Path) -> None:
    archive.busy = 3
    assert fetch(archive, tmp_path)[0].fetched == 7


def test_an_archive_that_stays_busy_is_told_of(archive: Archive, tmp_path: Path) -> None:
    archive.busy = 99
    with pytest.raises(ArchiveAway, match="busy"):
        fetch(archive, tmp_path)


def test_an_archive_that_is_not_there_is_told_of(archive: Archive, tmp_path: Path) -> None:
    archive.url = "http://127.0.0.1:9"
    with pytest.raises(ArchiveAway, match="cannot be reached"):
        fetch(archive, tmp_path)


def test_what_cannot_be_used_is_left_out_with_its_reason(archive: Archive, tmp_path: Path) -> None:
    add = archive.add
    archive.results.clear()
    add(name(20), a_jpeg(20), None)
    add(name(21), b"<html>sorry</html>", "Benign")
    add(name(22), a_jpeg(22), "Benign", copyright_license="CC-BY-NC")
    add(name(23), a_jpeg(23), "../../etc")
    add("../../../tmp/x", a_jpeg(24), "Benign")
    huge = {"url": f"{archive.url}/files/{name(25)}.jpg", "size": 10**12}
    add(name(25), a_jpeg(25), "Benign", files={"full": huge})
    longer = {"url": f"{archive.url}/files/{name(26)}.jpg", "size": 100}
    add(name(26), a_jpeg(26), "Benign", files={"full": longer})
    add(name(27), a_jpeg(27), "Benign", files={"full": {"url": "file:///etc/passwd", "size": 9}})
    gone = {"url": f"{archive.url}/gone/{name(28)}.jpg", "size": 100}
    add(name(28), a_jpeg(28), "Benign", files={"full": gone})
    found, skips = fetch(archive, tmp_path, licences=("CC-BY",))
    assert found.labels == {}
    reasons = {skipped.name: skipped.reason for skipped in skips}
    assert reasons.pop("../../../tmp/x").startswith("described otherwise: isic_id")
    assert reasons.pop(name(27)).startswith("described otherwise: files.full.url")
    assert reasons == {
        name(20): "has no diagnosis_1",
        name(21): "not a JPEG or PNG picture",
        name(22): "its licence is CC-BY-NC",
        name(23): "its diagnosis_1 cannot be a label",
        name(25): "its file has 1000000000000 bytes",
        name(26): "could not be had: the file is longer than was told",
        name(28): "could not be had: the archive does not give that",
    }
    assert [path for path in tmp_path.rglob("*") if path.suffix in (".jpg", ".part")] == []


def test_a_file_in_a_network_of_its_own_is_not_asked_for(archive: Archive, tmp_path: Path) -> None:
    # To this client the archive stands in the open, and the same server's other name does not.
    names = {"127.0.0.1": ["93.184.216.34"], "localhost": ["127.0.0.1"]}
    client = IsicArchive(polite_session(0), f"{archive.url}/api/v2", names.__getitem__)
    full = archive.results[1]["files"]["full"]
    full["url"] = full["url"].replace("127.0.0.1", "localhost")
    skips: list[Skipped] = []
    found = collect(client, Wanted(limit=2), tmp_path, on_skip=skips.append)
    assert (found.labels, found.fetched) == ({"Malignant": 1}, 1)
    reason = "could not be had: the file's address is in a network of its own"
    assert skips == [Skipped(name(1), reason)]
    assert archive.files_asked() == ["GET /files/ISIC_0000000.JPG"]


def test_the_next_page_may_not_lie_elsewhere(archive: Archive, tmp_path: Path) -> None:
    archive.next_page = "http://127.0.0.1:1/api/v2/images/search/"
    with pytest.raises(ArchiveRefused, match="another server"):
        fetch(archive, tmp_path)


def test_another_form_of_answer_is_refused(archive: Archive, tmp_path: Path) -> None:
    archive.results = [1, "two"]  # type: ignore[list-item]
    _, skips = fetch(archive, tmp_path)
    assert [skipped.name for skipped in skips] == ["a picture without a name"] * 2
    client = IsicArchive(polite_session(0), f"{archive.url}/elsewhere")
    with pytest.raises(ArchiveRefused, match="does not give that"):
        client.count("")


def test_another_table_is_not_written_into(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text("my,own,table\n")
    with pytest.raises(StorageFailure, match=r"another metadata\.csv"):
        fetch(archive, tmp_path)
    assert (tmp_path / "metadata.csv").read_text() == "my,own,table\n"


def test_a_row_that_an_interruption_cut_is_written_again(archive: Archive, tmp_path: Path) -> None:
    fetch(archive, tmp_path)
    table = tmp_path / "metadata.csv"
    whole = table.read_text()
    table.write_text(whole[:-30])
    fetch(archive, tmp_path)
    assert table.read_text() == whole


def test_the_command_tells_what_came(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive.add(name(50), a_jpeg(50), None)
    url = f"{archive.url}/api/v2/"
    assert main(["isic", "--url", url, "--out", str(tmp_path / "out")]) == 0
    told = capsys.readouterr()
    assert "7 pictures are in" in told.out
    assert "Benign     4" in told.out
    assert "Licences: CC-BY (7)." in told.out
    assert "left out: ISIC_0000050: has no diagnosis_1" in told.err
