"""What a master says of itself, and what it keeps to itself."""

from dataclasses import replace
from pathlib import Path

import pytest

from federated.views import ModelsView, SystemView
from master.settings import Settings
from master.system import told
from tests.master.federation import Federation


def test_an_operator_sees_disk_versions_and_states(federation: Federation) -> None:
    federation.services.state.blobs.mkdir(parents=True, exist_ok=True)
    before = SystemView.model_validate(federation.get("/system")).disk
    (federation.services.state.blobs / "f00d").write_bytes(b"x" * 512)
    seen = SystemView.model_validate(federation.get("/system"))
    assert (seen.disk.blob_count, seen.disk.blobs) == (before.blob_count + 1, before.blobs + 512)
    assert 0 < seen.disk.free < seen.disk.total
    assert seen.disk.database
    assert seen.database.startswith("SQLite 3")
    assert {"Commonsight", "Python", "keras"} <= seen.versions.keys()
    assert seen.states["nodes"] == {}


def test_no_address_shows_its_password() -> None:
    settings = replace(
        Settings(Path("/srv/master")),
        database="postgresql+psycopg://anna:secret@db.example:5432/skin?sslkey=secret2",
        remote_blobs="s3://key:secret@store/blobs",
    )
    shown = told(settings)
    assert shown["database"] == "postgresql+psycopg://db.example:5432/skin"
    assert shown["state"] == "/srv/master"
    assert shown["threads"] == "0"
    assert "secret" not in str(shown)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("/srv/blobs", "/srv/blobs"),
        ("file:///srv/blobs", "file:///srv/blobs"),
        ("s3://store/blobs?secret=x", "s3://store/blobs"),
        ("s3://key:sec/ret@store/blobs", "s3://store/blobs"),
        ("simplecache::s3://key:secret@store/x", "simplecache::s3://store/x"),
        ("az://store/x?mail=a@secret", "az://…"),
        ("s3://key:a?secret@store/x", "s3://…"),
    ],
)
def test_every_folder_for_blobs_can_be_told(url: str, shown: str) -> None:
    assert told(replace(Settings(Path("/srv/master")), remote_blobs=url))["blobs"] == shown


def test_every_model_is_told_with_its_settings_and_the_files_of_weights(
    federation: Federation,
) -> None:
    folder = federation.services.settings.pretrained_folder
    folder.mkdir(parents=True)
    (folder / "mine.h5").write_bytes(b"")
    found = ModelsView.model_validate(federation.get("/models"))
    settings = {one.name: one.settings for one in found.models}["cnn10"]
    dropout = next(one for one in settings if one.name == "dropout")
    assert (dropout.default, dropout.minimum, dropout.maximum) == (0.3, 0, 0.9)
    assert found.weights == ("mine.h5",)
