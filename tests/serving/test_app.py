"""The frame of both servers, through a small application of the test's own."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry, Counter

from federated import errors
from federated.messages import JoinRequest
from serving.app import create_app
from serving.auth import AUTH, Principal, caller
from serving.errors import STATUSES

PRINCIPALS = {"op-token": Principal("operator", "o1"), "node-token": Principal("node", "n7")}


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
    )

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

    @app.get("/raise/<name>")
    def fail(name: str) -> dict[str, str]:
        raise {
            "disk": OSError(28, "No space left on device"),
            "number": OverflowError("Python int too large to convert to SQLite INTEGER"),
            "bug": RuntimeError("a secret in a message"),
        }.get(name) or getattr(errors, name)("It is wrong", expected="right", received="left")

    return app.test_client()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_health_is_open(client: FlaskClient) -> None:
    assert client.get("/health").json == {"status": "ok", "version": "1.2", "disk": "fine"}


def test_metrics_are_those_of_the_server(client: FlaskClient) -> None:
    assert "rounds_total 3.0" in client.get("/metrics").text


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
