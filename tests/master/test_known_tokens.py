"""Tokens of nodes are remembered; nobody keeps one that was taken away."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest
from sqlalchemy.orm import Session

from master.known_tokens import KNOWN_SECONDS, KnownTokens
from master.store import tokens
from serving.auth import Principal
from tests.master.federation import PUSH_TOKEN, Clock, Federation


def unreadable() -> AbstractContextManager[Session]:
    raise AssertionError("the database was asked")


def test_a_nodes_token_is_looked_up_once_in_a_while(
    federation: Federation, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = federation.join("clinic-a")
    known = KnownTokens(federation.services.database, clock)
    first = known.principal(a.token)
    assert first is not None
    assert (first.role, first.id) == ("node", a.id)
    monkeypatch.setattr(federation.services.database, "read", unreadable)
    clock.tick(KNOWN_SECONDS - 1)
    assert known.principal(a.token) == first
    clock.tick(1)
    with pytest.raises(AssertionError, match="asked"):
        known.principal(a.token)


def test_tokens_of_people_and_unknown_ones_are_looked_up_each_time(
    federation: Federation, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = KnownTokens(federation.services.database, clock)
    assert known.principal(federation.operator) is not None
    assert known.principal("nobody's token") is None
    monkeypatch.setattr(federation.services.database, "read", unreadable)
    for token in (federation.operator, "nobody's token"):
        with pytest.raises(AssertionError, match="asked"):
            known.principal(token)


def test_a_token_opens_nothing_once_its_node_has_enrolled_again(federation: Federation) -> None:
    token = federation.post("/join-tokens", {"approve": True})["token"]
    request = {
        "join_token": token,
        "name": "clinic-a",
        "url": "http://127.0.0.1:9",
        "push_token": PUSH_TOKEN,
    }
    first = federation.post("/nodes", request)
    assert federation.call("GET", "/tasks/next", first["token"]).status_code == 204
    second = federation.post("/nodes", request)
    assert federation.call("GET", "/tasks/next", first["token"]).status_code == 401
    assert federation.call("GET", "/tasks/next", second["token"]).status_code == 204


def test_a_token_that_is_taken_away_while_it_is_looked_up_is_not_known(
    federation: Federation, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = federation.join("clinic-a")
    known = KnownTokens(federation.services.database, clock)
    look_up = tokens.principal

    def slow(session: Session, token: str) -> Principal | None:
        found = look_up(session, token)
        known.forget()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(tokens, "principal", slow)
        assert known.principal(a.token) is not None
    monkeypatch.setattr(federation.services.database, "read", unreadable)
    with pytest.raises(AssertionError, match="asked"):
        known.principal(a.token)
