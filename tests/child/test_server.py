"""A child that answers on a real port, in this process."""

import os
import tempfile

import pytest
import requests

from child.api.images import MAX_UPLOAD
from child.server import MEMORY_BODY
from federated.errors import InvalidInput
from serving.worker import worker_environment
from tests.child.conftest import Site, named, picture


@pytest.fixture
def served(pushed: Site) -> Site:
    pushed.child.start()
    return pushed


def post(site: Site, data: bytes):
    return requests.post(
        f"{site.child.address}/api/v1/images",
        data={"study": "skin", "label": "benign"},
        files=[("file", ("x.png", data))],
        headers=site.site,
        timeout=30,
    )


def test_no_upload_touches_the_disk_before_it_is_sanitised(served, monkeypatch):
    def temporary_file(*_arguments, **_named):
        raise AssertionError("a temporary file was made")

    for name in ("TemporaryFile", "SpooledTemporaryFile"):
        monkeypatch.setattr(tempfile, name, temporary_file)
        monkeypatch.setattr(f"werkzeug.formparser.{name}", temporary_file, raising=False)
    large = picture(1, (900, 900))
    assert len(large) > 2_000_000
    assert post(served, large).status_code == 201
    assert MEMORY_BODY > MAX_UPLOAD


def test_a_body_over_the_limit_is_refused(served, monkeypatch):
    monkeypatch.setattr("child.api.images.MAX_UPLOAD", 100_000)
    answer = post(served, picture(1, (300, 300)))
    assert (answer.status_code, answer.json()["error"]) == (413, "too_large")
    assert served.child.pictures.tally("skin").labelled == 0


def test_uploads_at_the_same_time_store_each_picture_once(served):
    from concurrent.futures import ThreadPoolExecutor

    files = [data for _, data in named(6)] * 3
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda data: post(served, data).status_code, files))
    assert sorted(statuses) == [200] * 12 + [201] * 6
    places = served.child.pictures.places("skin")
    assert len(set(places.values())) == len(places) == 6
    study = served.child.studies.get("skin").study
    pixels = served.child.folder.array(study).open()
    assert all(pixels[row].any() for row in places.values())


def test_off_this_machine_it_insists_on_a_proxy(make_child):
    with pytest.raises(InvalidInput, match="--behind-proxy"):
        make_child(host="0.0.0.0").start()


def test_workers_get_no_secrets_of_the_environment():
    environ = {"COMMONSIGHT_JOIN_TOKEN": "secret", "HOME": "/home/x", "PYTHONPATH": "/more"}
    given = worker_environment(environ)
    assert "secret" not in given.values()
    assert given["HOME"] == "/home/x"
    assert given["PYTHONPATH"].endswith(":/more")


def test_a_start_removes_what_a_crash_left_of_tasks_and_transfers(pushed):
    state = pushed.child.state
    drafts = [state.drafts / "task-1.u8", state.drafts / "task-1.safetensors"]
    old, young = (state.batches / f"{digit * 64}.safetensors.part" for digit in "ab")
    for path in (*drafts, old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    pushed.child.start()
    assert list(state.drafts.iterdir()) == []
    assert list(state.batches.iterdir()) == [young]
