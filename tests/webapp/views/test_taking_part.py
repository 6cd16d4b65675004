"""Taking part: pausing reaches the child, and what left is told without a name."""

from __future__ import annotations

from datetime import time

from federated.views import Hours, Limits
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


def test_a_plan_is_told_in_plain_words_and_approved_by_its_hash(
    open_app: Open, servers: ScriptedServers
) -> None:
    script = servers.scripts[CHILDREN["site-1"]]
    script["GET participation"] = ok(participation(approval="ask"))
    script["PUT participation"] = ok(participation())
    app = open_app("taking_part", "site")
    told = shown(app)
    for words in ("3 epochs", "your 42 labelled pictures", "6.6 MB", "20 rounds", "12.5", "2.345"):
        assert words in told, words
    # The run before the latest had other figures.
    assert "In round 2 the global model was right on 75.0 %" in told
    plan = sample.HASHES[1]
    app.button(key=f"approve-site-1-{plan[:12]}").click().run()
    app.button(key=f"decline-site-1-{plan[:12]}").click().run()
    app.radio(key="approval-site-1-ask").set_value("automatic")
    app.button(key="save-mode-site-1").click().run()
    assert not app.exception
    assert [call.json for call in servers.made("PUT", "participation")] == [
        {"approve": {"plan": plan, "decision": "approved"}},
        {"approve": {"plan": plan, "decision": "declined"}},
        {"approval": "automatic"},
    ]


def test_hours_and_threads_are_saved_together(open_app: Open, servers: ScriptedServers) -> None:
    script = servers.scripts[CHILDREN["site-1"]]
    hours = Hours(opens="22:00", closes="06:30")
    script["GET participation"] = ok(
        participation(limits=Limits(hours=hours, threads=2), open=False, plans=[], rounds=[])
    )
    script["PUT participation"] = ok(participation())
    app = open_app("taking_part", "site")
    assert "It may begin again at 22:00, until 06:30" in shown(app)
    app.number_input[0].set_value(3)
    app.time_input[0].set_value(time(23, 0))
    app.button(key="save-site-1").click().run()
    assert not app.exception
    (call,) = servers.made("PUT", "participation")
    assert call.json == {"limits": {"hours": {"opens": "23:00", "closes": "06:30"}, "threads": 3}}


def test_bytes_are_summed_by_what_they_carried() -> None:
    left = participation().departures
    twice = [*left, left[1]]
    assert bytes_by_kind(twice) == {"counts": 300, "weights": 13_200_000}
    asked = left[0].model_copy(update={"method": "GET", "path": "/api/v1/tasks/next?wait=25"})
    assert kind_of(asked) == "question"
    assert kind_of(asked.model_copy(update={"method": "POST", "path": "/odd"})) == "other"
    assert len(departure_rows(twice)) == 3
