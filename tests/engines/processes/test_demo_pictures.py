from engines.processes import demo_pictures as module
from engines.processes.demo_pictures import (
    batches_are_packed,
    own_pictures,
    pack_demo_batches,
    write_pictures_to_try,
)
from imaging.batch_server import read_index
from imaging.labels import label_from_name
from imaging.packing import read_batch
from imaging.synthetic import CLASSES


def test_the_masters_own_pictures_come_in_two_parts_and_leave_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "AUDIT", 4)
    monkeypatch.setattr(module, "TEST", 6)
    with own_pictures(tmp_path) as parts:
        contents = {part: [found.read() for found in found] for part, found in parts.items()}
    assert {part: len(files) for part, files in contents.items()} == {"audit": 4, "test": 6}
    assert not set(contents["audit"]) & set(contents["test"])
    assert list(tmp_path.iterdir()) == []


def test_batches_are_packed_once_and_can_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCHES", 2)
    monkeypatch.setattr(module, "BATCH_TRAIN", 6)
    monkeypatch.setattr(module, "BATCH_VALIDATION", 2)
    assert not batches_are_packed(tmp_path)
    pack_demo_batches(tmp_path)
    assert batches_are_packed(tmp_path)
    index = read_index(str(tmp_path / "batches"))[0]
    batches = [read_batch(tmp_path / "batches", entry.sha256) for entry in index.batches]
    assert [(len(batch.train), len(batch.validation)) for batch in batches] == [(6, 2), (6, 2)]
    assert [path.name for path in tmp_path.iterdir()] == ["batches"]


def test_pictures_to_try_differ_by_site_and_are_named_after_their_class(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TO_TRY", 4)
    folder = write_pictures_to_try(tmp_path, ("site-1", "site-2"))
    files = {site.name: sorted(site.iterdir()) for site in folder.iterdir()}
    assert {site: len(paths) for site, paths in files.items()} == {"site-1": 4, "site-2": 4}
    for path in files["site-1"]:
        assert label_from_name(path.name, CLASSES).label == path.name.split("_")[0]
    contents = [path.read_bytes() for paths in files.values() for path in paths]
    assert len(set(contents)) == 8


def test_pictures_to_try_are_written_once(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TO_TRY", 2)
    folder = write_pictures_to_try(tmp_path, ("site-1",))
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert write_pictures_to_try(tmp_path, ("site-1",)) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
