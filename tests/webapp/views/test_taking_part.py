"""Taking part: pausing reaches the child, and what left is told without a name."""

from __future__ import annotations

from tests.webapp import sample
from tests.webapp.conftest import Open, shown
from tests.webapp.sample.at_a_site import participation
from tests.webapp.scripted import CHILDREN, ScriptedServers, ok
from webapp.departures import bytes_by_kind, departure_rows, kind_of


def test_pausing_is_asked_of_the_chosen_site(open_app: Open, servers: ScriptedServers) -> None:
    servers.scripts[CHILDREN["site-2"]]["PUT participation"] = ok(participation(paused=True))
    app = open_app("taking_part", site="site-2")
    told = shown(app)
    for words in ("6.6 MB", "300 B", "no answer", sample.HASHES[1]):
        assert words in told, words
    app.button(key="participation-site-2").click().run()
    assert not app.exception
    (call,) = servers.made("PUT", "participation")
    assert (call.json, call.token) == ({"paused": True}, "token-site-2")


def test_a_paused_site_can_join_again(open_app: Open, servers: ScriptedServers) -> None:
    script = servers.scripts[CHILDREN["site-1"]]
    script["GET participation"] = ok(participation(paused=True, departures=[]))
    script["PUT participation"] = ok(participation())
    app = open_app("taking_part", "site")
    assert "has paused" in shown(app)
    assert "Nothing has left" in shown(app)
    app.button(key="participation-site-1").click().run()
    assert servers.made("PUT", "participation")[0].json == {"paused": False}


def test_bytes_are_summed_by_what_they_carried() -> None:
    left = participation().departures
    twice = [*left, left[1]]
    assert bytes_by_kind(twice) == {"counts": 300, "weights": 13_200_000}
    asked = left[0].model_copy(update={"method": "GET", "path": "/api/v1/tasks/next?wait=25"})
    assert kind_of(asked) == "question"
    assert kind_of(asked.model_copy(update={"method": "POST", "path": "/odd"})) == "other"
    assert len(departure_rows(twice)) == 3
