"""How a site joins: a token that is used once, a name of its own, an address that is safe."""

from __future__ import annotations

import pytest

from tests.master.federation import PUSH_TOKEN, Clock, Federation


def test_a_join_token_opens_nothing_and_is_used_once(federation: Federation) -> None:
    headers = {"Authorization": f"Bearer {federation.operator}"}
    # As a person would with curl: no body, no content type.
    token = federation.http.post("/api/v1/join-tokens", headers=headers).get_json()["token"]
    assert federation.call("GET", "/nodes", token).status_code == 401
    request = {"join_token": token, "name": "clinic-a"}
    assert federation.post("/nodes", request)["state"] == "pending"
    again = federation.call("POST", "/nodes", json=request | {"name": "clinic-b"})
    assert (again.status_code, again.get_json()["error"]) == (401, "bad_join_token")


def test_a_child_that_missed_the_answer_may_enrol_again_until_it_is_heard_of(
    federation: Federation,
) -> None:
    federation.study()
    token = federation.post("/join-tokens", {"approve": True})["token"]
    request = {
        "join_token": token,
        "name": "clinic-a",
        "url": "http://127.0.0.1:9",
        "push_token": PUSH_TOKEN,
    }
    first, second = federation.post("/nodes", request), federation.post("/nodes", request)
    assert first["node_id"] == second["node_id"]
    beat = f"/nodes/{first['node_id']}/heartbeat"
    assert federation.call("POST", beat, first["token"], json={}).status_code == 401
    assert federation.call("POST", beat, second["token"], json={}).status_code == 200
    assert federation.call("POST", "/nodes", json=request).status_code == 401


@pytest.mark.parametrize(("seconds", "status"), [(599, 201), (601, 401)])
def test_enrolling_again_is_for_the_moments_after(
    federation: Federation, clock: Clock, seconds: float, status: int
) -> None:
    token = federation.post("/join-tokens", {"approve": True})["token"]
    request = {"join_token": token, "name": "clinic-a"}
    federation.post("/nodes", request)
    clock.tick(seconds)
    assert federation.call("POST", "/nodes", json=request).status_code == status


def test_a_token_that_has_expired_enrols_nobody_again(federation: Federation, clock: Clock) -> None:
    token = federation.post("/join-tokens")["token"]
    request = {"join_token": token, "name": "clinic-a"}
    clock.tick(7 * 86_400 - 10)
    federation.post("/nodes", request)
    clock.tick(11)
    assert federation.call("POST", "/nodes", json=request).status_code == 401


def test_enrolling_again_from_elsewhere_needs_approval_again(federation: Federation) -> None:
    token = federation.post("/join-tokens", {"approve": True})["token"]
    request = {"join_token": token, "name": "clinic-a", "push_token": PUSH_TOKEN}
    assert federation.post("/nodes", request | {"url": "http://127.0.0.1:9"})["state"] == "active"
    again = federation.post("/nodes", request | {"url": "https://elsewhere.example"})
    assert again["state"] == "pending"


def test_a_join_token_is_old_after_a_week(federation: Federation, clock: Clock) -> None:
    token = federation.post("/join-tokens")["token"]
    clock.tick(7 * 86_400 + 1)
    answer = federation.call("POST", "/nodes", json={"join_token": token, "name": "clinic-a"})
    assert answer.status_code == 401


def test_a_name_belongs_to_one_site_and_the_token_stays_usable(federation: Federation) -> None:
    federation.join("clinic-a")
    token = federation.post("/join-tokens")["token"]
    request = {"join_token": token, "name": "clinic-a"}
    answer = federation.call("POST", "/nodes", json=request)
    assert (answer.status_code, answer.get_json()["error"]) == (409, "name_taken")
    assert federation.post("/nodes", request | {"name": "clinic-b"})["state"] == "pending"


@pytest.mark.parametrize("url", ["http://example.org:80", "ftp://127.0.0.1", "http://"])
def test_an_address_off_this_machine_needs_tls(federation: Federation, url: str) -> None:
    token = federation.post("/join-tokens")["token"]
    request = {"join_token": token, "name": "a", "url": url, "push_token": PUSH_TOKEN}
    assert federation.call("POST", "/nodes", json=request).status_code == 422


def test_secrets_are_kept_hashed_or_in_files_of_their_owner(federation: Federation) -> None:
    node = federation.join("clinic-a")
    state = federation.settings.state
    path = federation.services.state.push_token(node.id)
    assert (path.read_text(), path.stat().st_mode & 0o777) == (PUSH_TOKEN, 0o600)
    assert state.stat().st_mode & 0o777 == 0o700
    raw = b"".join(p.read_bytes() for p in state.glob("master.sqlite*"))
    for secret in (node.token, federation.operator, PUSH_TOKEN):
        assert secret.encode() not in raw
