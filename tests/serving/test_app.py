"""The frame of both servers, through a small application of the test's own."""

import re
from io import BytesIO
from typing import Any

import pytest
from flask import Response, request, send_file
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import UnsupportedMediaType

from federated import errors
from federated.messages import JoinRequest
from federated.values import Message
from serving.app import create_app
from serving.auth import AUTH, Principal, caller
from serving.errors import STATUSES
from serving.optional_body import optional_body
from serving.remote_blobs import RemoteAway

PRINCIPALS = {"op-token": Principal("operator", "o1"), "node-token": Principal("node", "n7")}


class Wish(Message):
    approve: bool = False


@pytest.fixture
def client() -> FlaskClient:
    registry = CollectorRegistry()
    Counter("rounds", "Rounds closed", registry=registry).inc(3)
    app = create_app(
        "Test",
        "1.2",
        verify=PRINCIPALS.get,
        health=lambda: {"disk": "fine"},
        registry=registry,
        readers=["operator"],
    )
    app.config["MAX_CONTENT_LENGTH"] = 300_000

    @app.get("/secret")
    @app.auth_required(AUTH, roles=["operator"])
    def secret() -> dict[str, str]:
        return {"caller": caller().id}

    @app.post("/join")
    @app.input(JoinRequest, arg_name="message")
    def join(message: JoinRequest) -> dict[str, str]:
        return {"name": message.name}

    @app.get("/rounds/<int:number>")
    def one(number: int) -> dict[str, int]:
        return {"number": number}

    @app.post("/optional")
    @app.auth_required(AUTH, roles=["operator"])
    @optional_body(Wish(), "wish")
    @app.input(Wish, arg_name="wish")
    @app.output(Wish)
    def optional(wish: Wish) -> Wish:
        return wish

    @app.get("/file")
    def file() -> Response:
        return send_file(BytesIO(b"0123456789"), mimetype="text/plain", conditional=True)

    @app.post("/form")
    def form() -> dict[str, int]:
        if not request.is_json:
            raise UnsupportedMediaType
        return {"files": len(request.files)}

    @app.get("/raise/<name>")
    def fail(name: str) -> dict[str, str]:
        if name == "plan":
            raise errors.ImpossiblePlan(["There are too few sites", "There is no such model"])
        raise {
            "disk": OSError(28, "No space left on device"),
            "database": OperationalError("SELECT 1", {}, Exception("the server at db.example")),
            "blobs": RemoteAway("The blobs at s3://clinic cannot be had"),
            "number": OverflowError("Python int too large to convert to SQLite INTEGER"),
            "bug": RuntimeError("a secret in a message"),
        }.get(name) or getattr(errors, name)("It is wrong", expected="right", received="left")

    return app.test_client()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_health_is_open(client: FlaskClient) -> None:
    assert client.get("/health").json == {"status": "ok", "version": "1.2", "disk": "fine"}


def test_metrics_are_those_of_the_server(client: FlaskClient) -> None:
    answer = client.get("/metrics", headers=bearer("op-token"))
    assert "rounds_total 3.0" in answer.text


@pytest.mark.parametrize(
    ("headers", "status"), [({}, 401), (bearer("wrong"), 401), (bearer("node-token"), 403)]
)
def test_metrics_are_not_for_everybody(
    client: FlaskClient, headers: dict[str, str], status: int
) -> None:
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == status
    assert "rounds" not in answer.text


@pytest.mark.parametrize(
    ("sent", "status", "approve"),
    [
        ({}, 200, False),
        ({"content_type": "application/json"}, 200, False),
        ({"json": {}}, 200, False),
        ({"json": {"approve": True}}, 200, True),
        ({"json": {"approve": "perhaps"}}, 422, None),
        ({"data": b"{", "content_type": "application/json"}, 400, None),
    ],
)
def test_an_empty_body_stands_for_the_defaults(
    client: FlaskClient, sent: dict[str, Any], status: int, approve: bool | None
) -> None:
    answer = client.post("/optional", headers=bearer("op-token"), **sent)
    assert answer.status_code == status
    assert answer.json is not None
    assert answer.json.get("approve") is approve


def test_an_optional_body_is_documented_and_needs_the_token(client: FlaskClient) -> None:
    assert client.post("/optional").status_code == 401
    call = client.get("/openapi.json").json["paths"]["/optional"]["post"]
    assert "requestBody" in call


@pytest.mark.parametrize(
    ("wanted", "status", "data"),
    [
        ("bytes=2-4", 206, b"234"),
        ("bytes=0-1,4-5", 200, b"0123456789"),
        ("bytes=0-1, 90-95", 200, b"0123456789"),
        (",", 200, b"0123456789"),
    ],
)
def test_several_ranges_get_the_whole(
    client: FlaskClient, wanted: str, status: int, data: bytes
) -> None:
    with client.get("/file", headers={"Range": wanted}) as answer:
        assert (answer.status_code, answer.data) == (status, data)


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "parts"),
    [
        ("GET", "/nowhere{0}", {}, 404, ["nothing at this", "/openapi.json", "GET /nowhere{0}"]),
        ("DELETE", "/secret", {}, 405, ["method", "GET", "DELETE /secret"]),
        ("POST", "/join", {"data": b"{"}, 400, ["cannot be read", "JSON document", "1 bytes of"]),
        ("POST", "/join", {}, 400, ["cannot be read", "JSON", "no Content-Type"]),
        (
            "POST",
            "/form",
            {"data": b"x", "content_type": "text/plain"},
            415,
            ["json", "text/plain"],
        ),
        ("POST", "/join", {"data": b"x" * 300_001}, 413, ["too large", "300000", "300001 bytes"]),
        ("GET", "/file", {"headers": {"Range": "bytes=70-80"}}, 416, ["*/10", "bytes=70-80"]),
    ],
)
def test_what_the_framework_refuses_is_told_in_three_parts(
    client: FlaskClient, method: str, path: str, sent: dict[str, Any], status: int, parts: list[str]
) -> None:
    answer = client.open(path, method=method, **sent)
    assert answer.status_code == status
    assert answer.json is not None
    assert answer.json["error"] != "http_error"
    detail = answer.json["detail"]
    assert re.fullmatch(r".+\. Expected .+\. Received .+\.", detail)
    for part in parts:
        assert part in detail


def test_the_documentation_needs_no_network(client: FlaskClient) -> None:
    page = client.get("/docs").text
    loaded = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert loaded
    assert all(address.startswith("/") for address in loaded)
    with client.get("/docs/scripts/swagger-ui-bundle.js") as script:
        assert script.status_code == 200
    specification = client.get("/openapi.json").json
    assert specification is not None
    assert "JoinRequest" in specification["components"]["schemas"]
    assert "/docs/scripts/{name}" not in specification["paths"]


def test_where_several_things_are_wrong_each_is_named(client: FlaskClient) -> None:
    answer = client.get("/raise/plan")
    assert answer.status_code == 422
    assert answer.json == {
        "error": "impossible_plan",
        "detail": "This plan cannot be carried out. There are too few sites. "
        "There is no such model.",
        "reasons": ["There are too few sites.", "There is no such model."],
    }


def test_the_documentation_shows_the_form_of_refusals(client: FlaskClient) -> None:
    specification = client.get("/openapi.json").json
    assert specification is not None
    for name in ("HTTPError", "ValidationError"):
        form = specification["components"]["schemas"][name]
        assert form["required"] == ["error", "detail"]
        assert form["properties"]["reasons"]["type"] == "array"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "not_authenticated"),
        (bearer("wrong"), 401, "not_authenticated"),
        (bearer(""), 401, "not_authenticated"),
        ({"Authorization": "Basic b3A6b3A="}, 401, "not_authenticated"),
        (bearer("node-token"), 403, "not_allowed"),
    ],
)
def test_who_may_not_come_in(
    client: FlaskClient, headers: dict[str, str], status: int, code: str
) -> None:
    answer = client.get("/secret", headers=headers)
    assert answer.status_code == status
    assert answer.json is not None
    assert answer.json["error"] == code
    assert answer.json["detail"]


def test_who_may(client: FlaskClient) -> None:
    assert client.get("/secret", headers=bearer("op-token")).json == {"caller": "o1"}


@pytest.mark.parametrize("kind", STATUSES)
def test_each_family_has_its_status_and_three_parts(
    client: FlaskClient, kind: type[errors.FederationError]
) -> None:
    answer = client.get(f"/raise/{kind.__name__}")
    assert answer.status_code == STATUSES[kind]
    assert answer.json == {
        "error": kind.code,
        "detail": "It is wrong. Expected right. Received left.",
    }


def test_a_narrower_error_has_the_status_of_its_family(client: FlaskClient) -> None:
    answer = client.get("/raise/ShapeMismatch")
    assert (answer.status_code, answer.json["error"]) == (422, "signature_mismatch")


def test_a_full_disk_says_so(client: FlaskClient) -> None:
    answer = client.get("/raise/disk")
    assert answer.status_code == 507
    assert "No space left on device" in answer.json["detail"]


@pytest.mark.parametrize("away", ["database", "blobs"])
def test_what_is_away_for_now_may_be_asked_for_again(client: FlaskClient, away: str) -> None:
    answer = client.get(f"/raise/{away}")
    assert (answer.status_code, answer.json["error"]) == (503, "unavailable")
    assert "Try again" in answer.json["detail"]
    assert "db.example" not in answer.text
    assert "s3://" not in answer.text


def test_an_unexpected_error_shows_nothing_of_itself(client: FlaskClient) -> None:
    answer = client.get("/raise/bug")
    assert answer.status_code == 500
    assert answer.json["error"] == "internal_error"
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("path", "method", "body", "status"),
    [
        ("/nowhere", "get", None, 404),
        ("/health", "post", None, 405),
        ("/join", "post", {"join_token": "short"}, 422),
        ("/join", "post", [1, 2], 422),
    ],
)
def test_every_refusal_has_the_one_form(
    client: FlaskClient, path: str, method: str, body: Any, status: int
) -> None:
    answer = client.open(path, method=method.upper(), json=body)
    assert answer.status_code == status
    assert set(answer.json) == {"error", "detail"}


def test_a_wrong_message_names_its_fields(client: FlaskClient) -> None:
    detail = client.post("/join", json={"join_token": "x" * 20, "name": "../up"}).json["detail"]
    assert "name" in detail


def test_a_body_that_is_not_json_is_refused(client: FlaskClient) -> None:
    answer = client.post("/join", data=b"\xff\xfe", content_type="application/json")
    assert answer.status_code == 400
    assert answer.json["error"] == "bad_request"


@pytest.mark.parametrize("depth", [2_000, 100_000])
def test_json_that_is_nested_too_deeply_is_refused(client: FlaskClient, depth: int) -> None:
    answer = client.post("/join", data="[" * depth + "]" * depth, content_type="application/json")
    assert answer.status_code in (400, 422)
    assert answer.json["error"] in ("bad_request", "invalid_input")


@pytest.mark.parametrize("number", ["2147483648", "9" * 25, "9" * 5000])
def test_numbers_that_no_database_holds_are_not_found(client: FlaskClient, number: str) -> None:
    assert client.get("/rounds/2147483647").json == {"number": 2147483647}
    assert client.get(f"/rounds/{number}").status_code == 404


def test_a_number_that_the_database_refuses_is_a_wrong_input(client: FlaskClient) -> None:
    answer = client.get("/raise/number")
    assert (answer.status_code, answer.json["error"]) == (422, "invalid_input")


def test_answers_are_neither_sniffed_nor_kept(client: FlaskClient) -> None:
    headers = client.get("/health").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
