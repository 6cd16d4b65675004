"""Every door of the real servers, tried without a token, with a wrong one and with another's."""

import pytest
import requests

from federated.wire import CONTENT_TYPE

HASH = "0" * 64

MASTER_CALLS = [
    ("POST", "/join-tokens"),
    ("GET", "/nodes"),
    ("PATCH", "/nodes/x"),
    ("POST", "/nodes/x/heartbeat"),
    ("POST", "/studies"),
    ("GET", "/studies"),
    ("GET", "/studies/x"),
    ("POST", "/studies/x/images"),
    ("GET", "/plans"),
    ("POST", "/runs"),
    ("GET", "/runs"),
    ("GET", "/runs/x"),
    ("POST", "/runs/x/stop"),
    ("GET", "/runs/x/rounds"),
    ("GET", "/runs/x/rounds/1"),
    ("GET", "/runs/x/statistics"),
    ("GET", "/runs/x/evaluation"),
    ("GET", "/runs/x/rewards"),
    ("GET", "/runs/x/events"),
    ("GET", "/runs/x/model"),
    ("GET", "/rewards"),
    ("GET", f"/weights/{HASH}"),
    ("POST", "/tasks/x/progress"),
    ("PUT", "/tasks/x/update"),
    ("POST", "/tasks/x/failure"),
]
CHILD_CALLS = [
    ("GET", "/status"),
    ("POST", "/images"),
    ("GET", "/images"),
    ("GET", f"/images/{HASH}"),
    ("GET", f"/images/{HASH}/thumbnail"),
    ("PATCH", f"/images/{HASH}"),
    ("DELETE", f"/images/{HASH}"),
    ("POST", "/predict"),
    ("PUT", "/studies/x"),
    ("PUT", f"/weights/{HASH}"),
    ("POST", "/tasks"),
    ("DELETE", "/tasks/x"),
    ("GET", "/participation"),
    ("PUT", "/participation"),
]
OPEN = ["/health", "/openapi.json", "/docs"]


def call(method, url, token=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = {"data": b"x", "headers": headers | {"Content-Type": CONTENT_TYPE}}
    return requests.request(
        method, url, timeout=30, **(body if method != "GET" else {"headers": headers})
    )


def assert_refused(response, *statuses):
    assert response.status_code in statuses, response.text
    answer = response.json()
    assert set(answer) >= {"error", "detail"}
    assert answer["detail"]


@pytest.mark.parametrize("token", [None, "wrong", "x" * 500, "ünïcode"])
@pytest.mark.parametrize(("method", "path"), MASTER_CALLS)
def test_the_master_knows_no_stranger(running, method, path, token):
    token = token and token.encode().decode("latin-1")
    assert_refused(call(method, f"{running.master.url}/api/v1{path}", token), 401)


@pytest.mark.parametrize("token", [None, "wrong"])
@pytest.mark.parametrize(("method", "path"), CHILD_CALLS)
def test_a_child_knows_no_stranger(running, method, path, token):
    child = running.children["site-1"]
    assert_refused(call(method, f"{child.url}/api/v1{path}", token), 401)


@pytest.mark.parametrize(("method", "path"), MASTER_CALLS)
def test_a_sites_token_opens_nothing_at_the_master(running, method, path):
    token = running.federation.tokens["site-1"]
    assert_refused(call(method, f"{running.master.url}/api/v1{path}", token), 401)


@pytest.mark.parametrize(("method", "path"), CHILD_CALLS)
def test_the_operators_token_opens_nothing_at_a_child(running, method, path):
    child = running.children["site-1"]
    token = running.federation.tokens["master"]
    assert_refused(call(method, f"{child.url}/api/v1{path}", token), 401)


@pytest.mark.parametrize(("method", "path"), CHILD_CALLS)
def test_one_sites_token_opens_nothing_at_another(running, method, path):
    child = running.children["site-2"]
    token = running.federation.tokens["site-1"]
    assert_refused(call(method, f"{child.url}/api/v1{path}", token), 401)


def _push_token(running):
    """The token that the master shows to a child: it lies in a file for the master alone."""
    secrets = running.state / "master" / "secrets"
    for path in sorted(secrets.rglob("*")):
        if path.is_file():
            token = path.read_text().strip()
            response = call("GET", f"{running.children['site-1'].url}/api/v1/images", token)
            if response.status_code != 401:
                return token
    raise AssertionError("the master keeps no token that site-1 knows")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        (method, path)
        for method, path in CHILD_CALLS
        if path.startswith(("/images", "/predict", "/participation", "/status"))
    ],
)
def test_the_masters_own_token_does_not_open_what_is_the_sites(running, method, path):
    child = running.children["site-1"]
    assert_refused(call(method, f"{child.url}/api/v1{path}", _push_token(running)), 403)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        (method, path)
        for method, path in CHILD_CALLS
        if path.startswith(("/studies", "/weights", "/tasks"))
    ],
)
def test_a_sites_token_cannot_push(running, method, path):
    child = running.children["site-1"]
    token = running.federation.tokens["site-1"]
    assert_refused(call(method, f"{child.url}/api/v1{path}", token), 403)


@pytest.mark.parametrize("path", OPEN)
def test_health_and_documentation_are_open(running, path):
    for server in (running.master, *running.children.values()):
        assert requests.get(server.url + path, timeout=30).status_code == 200


def test_unknown_addresses_are_not_found(running):
    for server in (running.master, *running.children.values()):
        assert_refused(requests.get(f"{server.url}/api/v1/nothing", timeout=30), 404)
