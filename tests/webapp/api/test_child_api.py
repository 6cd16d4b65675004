import time

import pytest

from tests.webapp import sample
from tests.webapp.scripted import CHILDREN, ScriptedServers, ok, refused
from webapp.api import ApiError, ChildApi, Connection

URL = CHILDREN["site-1"]


@pytest.fixture
def servers() -> ScriptedServers:
    return ScriptedServers({URL: sample.child()})


@pytest.fixture
def child(servers: ScriptedServers) -> ChildApi:
    return ChildApi(Connection(URL, "site-token", servers.session(), time.monotonic))


def test_upload_sends_every_file_with_its_name_study_and_label(
    child: ChildApi, servers: ScriptedServers
) -> None:
    verdicts = child.upload("skin", [("a.png", b"first"), ("b.png", b"second")], "benign")
    body = servers.made("POST", "images")[0].body
    assert body.count(b'name="file"') == 2
    assert b'filename="a.png"\r\n\r\nfirst' in body
    assert b'filename="b.png"\r\n\r\nsecond' in body
    assert b'name="study"\r\n\r\nskin' in body
    assert b'name="label"\r\n\r\nbenign' in body
    assert [verdict.status for verdict in verdicts] == ["stored", "refused"]


def test_without_a_label_the_child_reads_the_file_name(
    child: ChildApi, servers: ScriptedServers
) -> None:
    child.upload("skin", [("benign_1.png", b"x")], None)
    assert b'name="label"' not in servers.made("POST", "images")[0].body


def test_a_refusal_of_every_file_is_an_answer(child: ChildApi, servers: ScriptedServers) -> None:
    verdict = {"status": "refused", "name": "n.jpg", "detail": "Not a picture.", "error": "x"}
    servers.scripts[URL]["POST images"] = refused(422, "x", "Not a picture.", images=[verdict])
    (found,) = child.upload("skin", [("n.jpg", b"text")], None)
    assert (found.status, found.name, found.detail) == ("refused", "n.jpg", "Not a picture.")


def test_a_refusal_of_the_whole_call_is_an_error(child: ChildApi, servers: ScriptedServers) -> None:
    servers.scripts[URL]["POST images"] = refused(422, "unknown_label", "There is no such label.")
    with pytest.raises(ApiError) as caught:
        child.upload("skin", [("n.jpg", b"text")], "none")
    assert caught.value.code == "unknown_label"


def test_predict_sends_the_picture_and_reads_the_distribution(
    child: ChildApi, servers: ScriptedServers
) -> None:
    found = child.predict("skin", ("a.png", b"pixels"))
    assert found.probabilities == {"malignant": 0.82, "benign": 0.18}
    assert b"pixels" in servers.made("POST", "predict")[0].body


def test_pictures_are_asked_for_page_by_page(child: ChildApi, servers: ScriptedServers) -> None:
    assert child.pictures("skin", label="benign", offset=24).total == 6
    assert servers.calls[0].query == {
        "study": "skin",
        "label": "benign",
        "offset": "24",
        "limit": "24",
    }


def test_relabel_and_delete_name_picture_and_study(
    child: ChildApi, servers: ScriptedServers
) -> None:
    name = sample.picture(1, None).id
    servers.scripts[URL][f"PATCH images/{name}"] = ok(sample.picture(1, "malignant"))
    child.relabel("skin", name, "malignant")
    child.delete("skin", name)
    patch, delete = servers.calls
    assert patch.json == {"study": "skin", "label": "malignant"}
    assert (delete.method, delete.query) == ("DELETE", {"study": "skin"})
