"""What leaves a site: everything between a child and the master is recorded and searched."""

import base64
import itertools
import re
import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import requests

from engines.processes.client import Child, Master
from engines.processes.federation import Federation, child_of, start_child
from tests.e2e.pictures import png
from tests.e2e.recording_proxy import RecordingProxy
from tests.e2e.running import (
    Running,
    finished,
    new_study,
    plan,
    running_federation,
    wait_for,
)

SITE = "watched"
GROUP = "lesion of Frau Planted"
NAMES = ("Erika Mustermann 1957-03-04 blue.png", "Hans_Geheim_red_77.png")


def planted(number, side=40):
    """Pixels that no other picture and no chance would bring forth."""
    return np.random.default_rng([7, number]).integers(0, 256, (side, side, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A child that reaches the master, and is reached, through recording proxies only."""
    to_master, to_child = RecordingProxy(), RecordingProxy()
    state = tmp_path_factory.mktemp("watched")
    with running_federation(state, ("other",), child_options=("--demo",)) as running:
        to_master.target = running.master.url
        settings = replace(running.settings, sites=(SITE,), ports={}, urls={SITE: to_child.url})
        through = Master(to_master.url, running.federation.tokens["master"])
        start_child(running.servers, settings, SITE, through)
        url, token = child_of(running.servers, SITE)
        to_child.target = url
        children = {**running.children, SITE: Child(url, token)}
        yield (
            Running(
                running.servers,
                running.settings,
                Federation(running.master, children, running.federation.tokens),
            ),
            (to_master, to_child),
        )
    to_master.close()
    to_child.close()


@pytest.fixture(scope="module")
def traffic(watched):
    """Every byte of a whole run: enrolment, model, pictures, training, update, prediction."""
    running, proxies = watched
    new_study(running, "secret", {"other": {"blue": 3, "red": 4}}, test=3, size=24)
    child = running.children[SITE]
    files = [(name, png(planted(number))) for number, name in enumerate(NAMES)]
    for name, data in files:
        (view,) = child.add_pictures("secret", [(name, data)], None, [GROUP])
        assert view.status == "stored"
        assert view.picture.label in name
    wait_for(
        lambda: any(
            node.name == SITE and sum(node.studies.get("secret", {}).values()) == 2
            for node in running.master.nodes()
        ),
        "the watched site's counts",
    )
    run = finished(running, running.master.start_run("secret", plan(rounds=2)).id)
    assert run.state == "completed"
    for one in running.master.rounds(run.id):
        assert {update.node_name for update in one.updates} == {"other", SITE}
    child.call(
        "POST",
        "/predict",
        files={"file": ("Erika again.png", files[0][1])},
        data={"study": "secret"},
    )
    return running, [stream for proxy in proxies for stream in proxy.recorded()]


def test_the_recording_saw_the_whole_run(traffic):
    """What was to be seen was seen: else the tests below would search in nothing."""
    running, streams = traffic
    whole = b"\n".join(streams)
    for call in (b"POST /api/v1/nodes ", b"/heartbeat ", b"PUT /api/v1/studies/secret "):
        assert call in whole
    assert whole.count(b"PUT /api/v1/tasks/") >= 2
    assert whole.count(b"PUT /api/v1/weights/") >= 1
    for update in _updates(running):
        blob = (running.state / "master" / "blobs" / update.sha256).read_bytes()
        assert blob[-400:] in whole


def test_nothing_was_compressed_on_the_way(traffic):
    """Compression would hide from this test what it looks for."""
    assert not any(b"content-encoding" in stream.lower() for stream in traffic[1])


def test_no_pixel_left_the_site(traffic):
    running, streams = traffic
    stored = (running.state / "children" / SITE / "pictures" / "secret").rglob("*")
    rows = [row for number in range(len(NAMES)) for row in planted(number)]
    arrays = [path.read_bytes() for path in stored if path.suffix == ".u8"]
    assert arrays
    needles = [row.tobytes()[start : start + 24] for row in rows for start in range(0, 96, 24)]
    needles += [data[start : start + 24] for data in arrays for start in range(0, len(data), 72)]
    blank = {bytes(24)}
    for needle in set(needles) - blank:
        pixels = np.frombuffer(needle, np.uint8)
        for form in (
            needle,
            base64.b64encode(needle),
            needle.hex().encode(),
            pixels.astype(np.float32).tobytes(),
            (pixels.astype(np.float32) / 255).tobytes(),
            b",".join(str(value).encode() for value in pixels),
            b", ".join(str(value).encode() for value in pixels),
        ):
            assert not any(form in stream for stream in streams)


def test_no_picture_file_left_the_site(traffic):
    running, streams = traffic
    files = [png(planted(number)) for number in range(len(NAMES))]
    stored = running.state / "children" / SITE / "pictures" / "secret"
    files += [path.read_bytes() for path in stored.rglob("*.png")]
    assert len(files) == 4
    for stream in streams:
        assert b"\x89PNG" not in stream
        assert b"JFIF" not in stream
        assert base64.b64encode(b"\x89PNG\r\n\x1a\n")[:10] not in stream
    middles = [data[len(data) // 2 :][:32] for data in files]
    assert not any(middle in stream for middle in middles for stream in streams)


def test_no_file_name_and_no_picture_hash_left_the_site(traffic):
    running, streams = traffic
    words = [b"Erika", b"Mustermann", b"1957-03-04", b"Hans", b"Geheim", b"red_77"]
    words += [base64.b64encode(word)[:-2] for word in words]
    answer = running.children[SITE].get("/images", study="secret")
    words += [image["id"].encode() for image in answer["images"]]
    assert answer["total"] == 2
    assert not any(word in stream for word in words for stream in streams)


def test_what_belongs_together_did_not_leave_the_site_and_is_not_readable_there(traffic):
    running, streams = traffic
    state = running.state / "children" / SITE
    with closing(sqlite3.connect(state / "child.sqlite")) as database:
        (group_hash,) = {row[0] for row in database.execute("SELECT group_hash FROM pictures")}
    secret = (state / "secrets" / "picture-groups").read_bytes()
    assert len(group_hash) == 64
    for word in (GROUP.encode(), base64.b64encode(GROUP.encode()), group_hash.encode(), secret):
        assert not any(word in stream for stream in streams)
    for path in state.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert GROUP.encode() not in data
            assert secret not in data or path.name == "picture-groups"


def test_the_site_can_see_what_left_it(traffic):
    running, _ = traffic
    answer = running.children[SITE].get("/participation", limit=10_000)
    hashes = {departure["sha256"] for departure in answer["departures"]}
    assert {update.sha256 for update in _updates(running)} <= hashes


def test_the_master_keeps_no_picture_of_a_site(traffic):
    running, _ = traffic
    needles = [planted(number)[0].tobytes()[:24] for number in range(len(NAMES))]
    needles += [name.encode() for name in NAMES]
    for path in (running.state / "master").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not any(needle in data for needle in needles), path


def _updates(running):
    (run,) = (run for run in running.master.get("/runs")["runs"] if run["study"] == "secret")
    return [
        update
        for one in running.master.rounds(run["id"])
        for update in one.updates
        if update.node_name == SITE
    ]


PICTURE = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff[\xe0\xe1]..(?:JFIF|Exif)|iVBORw0KGgo|/9j/4AAQ|data:image/",
    re.DOTALL,
)
"""How a picture's file begins, as it is or written as text."""


def test_nothing_that_the_operators_console_may_ask_for_is_a_picture(traffic):
    running, _ = traffic
    url, token = running.master.url, running.federation.tokens["master"]
    headers = {"Authorization": f"Bearer {token}"}
    (run,) = (one for one in running.master.get("/runs")["runs"] if one["study"] == "secret")
    ids = {
        "run_id": [run["id"]],
        "number": ["1", "2"],
        "study_id": ["secret"],
        "node_id": [node.id for node in running.master.nodes()],
        "sha256": [run["weights"]],
    }
    calls = requests.get(f"{url}/openapi.json", headers=headers, timeout=30).json()["paths"]
    asked = 0
    for path, methods in calls.items():
        names = re.findall(r"{(\w+)}", path)
        if "get" not in methods or "tasks" in path:
            continue
        for values in itertools.product(*(ids[name] for name in names)):
            filled = path.format(**dict(zip(names, values, strict=True)))
            parameters = {"round": 2, "study": "secret"}
            answer = requests.get(f"{url}{filled}", parameters, headers=headers, timeout=60)
            assert not answer.headers["Content-Type"].startswith("image/"), filled
            assert not PICTURE.search(answer.content), filled
            asked += answer.ok
    # Statistics, evaluations, rounds, weights, the system and so on: not a row of refusals.
    assert asked > 20
