"""A plan is checked whole before anything starts: sites, batch server, pictures."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from federated.errors import ImpossiblePlan
from federated.plan import Plan
from federated.study import Study
from imaging.batch_server import Patience, read_index
from master.plan_check import check
from master.store import nodes
from tests.imaging.remote.http_server import Request, http_server, whole
from tests.master.federation import Clock, Federation
from tests.s3_server import S3Server

PLAN: dict[str, Any] = {"rounds": 1, "privacy": {"min_examples": 5}}
STUDY = Study(id="skin", name="Skin", classes=("benign", "malignant"), size=8)
CLASSES = ("benign", "malignant")


def entry(number: int, train: tuple[int, ...], classes: tuple[str, ...] = CLASSES) -> Any:
    return {
        "sha256": hashlib.sha256(str(number).encode()).hexdigest(),
        "bytes": 1000 + number,
        "train": dict(zip(classes, train, strict=True)),
        "validation": {classes[0]: 2},
    }


def write_index(
    folder: Path, *trains: tuple[int, ...], classes: tuple[str, ...] = CLASSES
) -> bytes:
    """An index of batches with so many training pictures a class."""
    batches = [entry(number, train, classes) for number, train in enumerate(trains)]
    data = json.dumps({"classes": classes, "batches": batches}, indent=1).encode()
    folder.mkdir(exist_ok=True)
    (folder / "index.json").write_bytes(data)
    return data


def batches_at(url: object, **facts: Any) -> dict[str, Any]:
    return PLAN | {"data": {"kind": "batches", "url": str(url)}} | facts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "skin"
    write_index(folder, (7, 3), (5, 6), (4, 4))
    return folder


@pytest.fixture
def ready(federation: Federation) -> Federation:
    """A study, two sites with pictures, and one that is not approved."""
    federation.study()
    federation.site("clinic-a")
    federation.site("clinic-b")
    federation.join("clinic-c", approve=False)
    return federation


def start(federation: Federation, plan: Any, path: str = "/runs") -> Any:
    return federation.call("POST", path, json={"study": "skin", "plan": plan})


def test_the_index_is_read_once_and_kept_with_the_run(ready: Federation, folder: Path) -> None:
    with http_server(folder) as server:
        answer = start(ready, batches_at(server.url))
        assert answer.status_code == 201, answer.get_json()
        assert server.asked == [("index.json", 0)]
    kept = ready.get(f"/runs/{answer.get_json()['id']}/batches")
    assert kept["url"] == server.url
    assert kept["index"] == hashlib.sha256((folder / "index.json").read_bytes()).hexdigest()
    assert (kept["train"], kept["validation"]) == (
        {"benign": 16, "malignant": 13},
        {"benign": 6, "malignant": 0},
    )
    assert kept["batches"] == [entry(0, (7, 3)), entry(1, (5, 6)), entry(2, (4, 4))]


def test_a_run_on_the_sites_own_pictures_has_no_batches(ready: Federation) -> None:
    run = ready.run(**PLAN)
    answer = ready.call("GET", f"/runs/{run}/batches")
    assert (answer.status_code, answer.get_json()["error"]) == (404, "no_batches")


def test_public_pictures_need_no_pictures_of_a_sites_own(
    federation: Federation, folder: Path
) -> None:
    federation.study()
    federation.site("clinic-a", labelled=0)
    assert start(federation, PLAN).status_code == 409
    assert start(federation, batches_at(folder)).status_code == 201
    data = {"kind": "random", "url": str(folder), "images": 29}
    assert start(federation, PLAN | {"data": data}).status_code == 201


def test_nothing_is_held_while_the_index_is_read(ready: Federation, folder: Path) -> None:
    def while_a_site_reports(request: Request) -> None:
        child = ready.children.children["clinic-a"]
        with ready.services.database.write() as session:
            nodes.failed(session, child.id, ready.clock())
        whole(request)

    with http_server(folder, while_a_site_reports) as server:
        assert start(ready, batches_at(server.url)).status_code == 201
    assert ready.get("/nodes")["nodes"][0]["reachable"] is False


def test_every_reason_is_told_at_once(ready: Federation, tmp_path: Path) -> None:
    write_index(tmp_path / "poor", (7, 0), (0, 0))
    plan = batches_at(
        tmp_path / "poor",
        quorum=3,
        model={"name": "vgg", "weights": "theirs.h5"},
        strategy={"settings": {"mu": 0.1}},
    )
    answer = start(ready, plan)
    assert (answer.status_code, answer.get_json()["error"]) == (422, "impossible_plan")
    reasons = answer.get_json()["reasons"]
    wanted = [
        "no such model as 'vgg'",
        "'fedavg' has no setting 'mu'",
        "pretrained weights has no file 'theirs.h5'; it has none",
        "needs 3 updates (quorum), but only 2 sites are approved",
        "but there are only 2 batches",
        "No batch has a training picture of malignant",
        "1 of the 2 batches hold no picture",
        "Too few sites can take part now: a round would have 2 of the 3",
        "clinic-c: not approved yet",
    ]
    assert len(reasons) == len(wanted), reasons
    for reason, words in zip(reasons, wanted, strict=True):
        assert words in reason
        assert reason in answer.get_json()["detail"]
    assert ready.get("/runs")["runs"] == []


def test_what_only_does_not_work_now_is_a_409_with_the_reason_of_each_site(
    federation: Federation,
) -> None:
    federation.study()
    federation.site("clinic-a", labelled=3)
    answer = start(federation, PLAN)
    assert (answer.status_code, answer.get_json()["error"]) == (409, "no_sites")
    (reason,) = answer.get_json()["reasons"]
    assert reason.startswith("clinic-a: too few labelled pictures: 3")


def test_where_nobody_has_joined_only_that_is_told(federation: Federation) -> None:
    federation.study()
    answer = start(federation, PLAN | {"quorum": 4, "sampling": {"minimum": 4}})
    assert answer.status_code == 409
    assert answer.get_json()["detail"] == (
        "No site can take part now. No site has joined. Expected at least 4. Received 0."
    )


def test_a_share_that_is_drawn_must_reach_the_quorum_now(
    federation: Federation, clock: Clock
) -> None:
    federation.study()
    children = [federation.site(f"clinic-{letter}") for letter in "abcd"]
    plan = PLAN | {"quorum": 2, "sampling": {"fraction": 0.5}}
    assert start(federation, plan, "/plans/check").get_json()["reasons"] == []
    clock.tick(federation.settings.reachable_seconds + 1)
    for child in children[:2]:
        federation.beat(child)
    reasons = start(federation, plan).get_json()["reasons"]
    assert reasons == [
        "clinic-c: not reachable at the moment.",
        "clinic-d: not reachable at the moment.",
    ]


def test_a_standing_run_waits_for_sites_but_not_for_the_impossible(
    federation: Federation,
) -> None:
    federation.study()
    waiting = PLAN | {"trigger": {"kind": "upload"}}
    assert start(federation, waiting).status_code == 201
    federation.site("clinic-a", labelled=0)
    assert start(federation, waiting).status_code == 201
    assert start(federation, waiting | {"quorum": 2}).status_code == 422


def test_a_check_starts_nothing_and_says_who_could_take_part(
    ready: Federation, folder: Path
) -> None:
    fine = start(ready, batches_at(folder), "/plans/check").get_json()
    assert (fine["reasons"], fine["impossible"]) == ([], False)
    assert [node["node_name"] for node in fine["nodes"]] == ["clinic-a", "clinic-b"]
    assert [(n["node_name"], n["reason"]) for n in fine["excluded"]] == [
        ("clinic-c", "not approved yet")
    ]
    few = start(ready, PLAN | {"privacy": {"min_examples": 500}}, "/plans/check").get_json()
    assert (few["impossible"], len(few["reasons"]), few["nodes"]) == (False, 4, [])
    wrong = start(ready, batches_at(folder, quorum=4), "/plans/check").get_json()
    assert wrong["impossible"] is True
    assert wrong["reasons"] == start(ready, batches_at(folder, quorum=4)).get_json()["reasons"]
    assert ready.get("/runs")["runs"] == []


def test_faults_of_the_plan_itself_come_first_and_all_together(ready: Federation) -> None:
    plan = {"rounds": 0, "training": {"epochs": -1}, "data": {"kind": "batches"}}
    for path in ("/runs", "/plans/check"):
        answer = start(ready, plan, path)
        assert (answer.status_code, answer.get_json()["error"]) == (422, "invalid_input")
        for words in ("rounds: ", "training.epochs: ", "data.batches.url: Field required"):
            assert words in answer.get_json()["detail"]
        # A plan is no text, and nobody is told that it should be.
        assert "string" not in answer.get_json()["detail"]


def closed_port() -> str:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listening.getsockname()[1]}/skin"


def refuses(request: Request) -> None:
    request.begin(401, content_length=0)


def breaks_down(request: Request) -> None:
    request.begin(500, content_length=0)


def talks_nonsense(request: Request) -> None:
    body = b'{"classes": ["a\\u001b[2J\\r\\n"], "batches": "\x1b[31mred\\u202e"}'
    request.begin(200, content_length=len(body))
    request.wfile.write(body)


def goes_quiet(request: Request) -> None:
    request.begin(200, content_length=1000)
    request.wfile.write(b"{")
    request.wfile.flush()
    request.served.stopping.wait(30)


def is_without_end(request: Request) -> None:
    request.begin(200)
    for _ in range(65):
        try:
            request.wfile.write(b" " * 2**20)
        except OSError:
            return


@pytest.mark.parametrize(
    ("way", "said"),
    [
        (None, "cannot be reached"),
        (refuses, "login"),
        (breaks_down, "500"),
        (talks_nonsense, "index"),
        (goes_quiet, "cannot be reached, or broke off"),
        (is_without_end, "too large"),
    ],
)
def test_what_is_wrong_with_a_batch_server_is_a_reason(
    folder: Path, way: Callable[[Request], None] | None, said: str
) -> None:
    for url in addresses(folder, way):
        plan = Plan.model_validate(batches_at(url))
        patience = Patience(silence_seconds=0.5, total_seconds=5.0, pauses=())
        read = partial(read_index, patience=patience)
        checked = check(plan, STUDY, [], pretrained=folder, read=read)
        with pytest.raises(ImpossiblePlan) as refused:
            checked.require_possible()
        reasons = refused.value.reasons
        assert reasons[0].startswith(f"The batches at {url} cannot be read: ")
        assert said in reasons[0]
        assert all(reason.isprintable() and len(reason) <= 301 for reason in reasons)
        assert checked.kept is None


def addresses(folder: Path, way: Callable[[Request], None] | None) -> Iterator[str]:
    if way is None:
        yield closed_port()
    else:
        with http_server(folder, way) as server:
            yield server.url


@pytest.mark.parametrize("url", ["/srv/no/such/folder", "file:///srv/no/such/folder"])
def test_a_folder_that_is_not_there_is_a_reason(ready: Federation, url: str) -> None:
    answer = start(ready, batches_at(url))
    assert answer.status_code == 422
    assert answer.get_json()["reasons"][0].startswith(f"The batches at {url} cannot be read: ")


def test_a_bucket_is_read_with_the_operators_keys(folder: Path, s3_server: S3Server) -> None:
    shutil.copytree(folder, s3_server.bucket("skin") / "v1")
    checked = check(Plan.model_validate(batches_at("s3://skin/v1")), STUDY, [], pretrained=folder)
    assert checked.impossible == ()
    assert checked.kept is not None
