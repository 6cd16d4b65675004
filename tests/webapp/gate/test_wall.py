"""The wall before a small app: who passes, and what a stranger gets."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from tests.webapp.gate.browser import Browser
from webapp.gate.keys import Keys
from webapp.gate.members import Members
from webapp.gate.wall import Gate, Wall
from webapp.settings import SettingsError

PLACES = ["/", "/overview", "/media/a.png", "/static/x.js", "/_stcore/upload_file/s/f", "/nothing"]


async def behind(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


def app() -> Starlette:
    everything = Route(
        "/{path:path}", lambda _: PlainTextResponse("behind"), methods=["GET", "PUT", "OPTIONS"]
    )
    return Starlette(routes=[WebSocketRoute("/_stcore/stream", behind), everything])


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys.json", lambda: 1000.0)


def browser(gate: Gate) -> Browser:
    return Browser(Wall(app(), lambda: gate))


@pytest.fixture
def stranger(keys: Keys) -> Browser:
    return browser(Gate("site", keys))


def enter(client: Browser, keys: Keys) -> str:
    return client.ask(f"/enter?key={keys.new_link()}").headers["set-cookie"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS"])
def test_a_stranger_gets_nothing_but_words(stranger: Browser, place: str, method: str) -> None:
    answer = stranger.ask(place, method)
    assert answer.status == 401
    assert "python -m webapp link" in answer.text
    assert "behind" not in answer.text


def test_a_stranger_gets_no_websocket(stranger: Browser) -> None:
    assert not stranger.talks()


def test_health_stays_open(stranger: Browser) -> None:
    assert stranger.ask("/_stcore/health").text == "behind"
    assert not stranger.talks("/_stcore/health")


def test_a_link_signs_in_for_every_place_and_the_websocket(stranger: Browser, keys: Keys) -> None:
    cookie = enter(stranger, keys)
    for part in ("HttpOnly", "SameSite=strict", "Path=/"):
        assert part in cookie
    assert "Secure" not in cookie
    for place in PLACES:
        assert stranger.ask(place).text == "behind"
    assert stranger.talks()


def test_by_tls_the_cookie_never_travels_without(stranger: Browser, keys: Keys) -> None:
    answer = stranger.ask(f"/enter?key={keys.new_link()}", X_Forwarded_Proto="https, http")
    assert "Secure" in answer.headers["set-cookie"]


def test_a_link_opens_once_and_leads_to_the_first_page_only(stranger: Browser, keys: Keys) -> None:
    address = f"/enter?key={keys.new_link()}&next=https://evil.example&url=//evil.example"
    first = stranger.ask(address)
    assert 'content="0;url=/"' in first.text
    assert "evil" not in first.text + str(first.headers)
    second = browser(Gate("site", keys)).ask(address)
    assert second.status == 403
    assert "set-cookie" not in second.headers


@pytest.mark.parametrize("looks", [("HEAD", {}), ("GET", {"Sec_Purpose": "prefetch;prerender"})])
def test_who_only_looks_does_not_use_a_link_up(
    stranger: Browser, keys: Keys, looks: tuple[str, dict[str, str]]
) -> None:
    address = f"/enter?key={keys.new_link()}"
    assert stranger.ask(address, looks[0], **looks[1]).status == 403
    assert stranger.ask(address).status == 200


@pytest.mark.parametrize("key", ["", "x", "%00", "%ff%fe", "x" * 5000])
def test_a_guess_is_refused_without_an_echo(stranger: Browser, key: str) -> None:
    answer = stranger.ask(f"/enter?key={key}<script>")
    assert answer.status == 403
    assert "<script>" not in answer.text


def test_the_cookie_of_another_app_does_not_count(keys: Keys, tmp_path: Path) -> None:
    other = Keys(tmp_path / "other.json", keys.now)
    session = other.enter(other.new_link())
    client = browser(Gate("site", keys))
    for name in (other.cookie, keys.cookie):
        client.cookies[name] = str(session)
    assert client.ask("/").status == 401


def test_signing_out_closes_the_door(stranger: Browser, keys: Keys) -> None:
    enter(stranger, keys)
    assert stranger.ask("/leave").status == 200
    assert stranger.ask("/").status == 401


def heard_by(gate: Callable[[], Gate], cookie: str, meanwhile: Callable[[], None]) -> list[str]:
    """What a websocket behind the wall hears of two words, if something happens between them."""
    heard: list[str] = []
    words = iter(["websocket.connect", "websocket.receive", "websocket.receive"])

    async def listening(_scope: Scope, receive: Receive, _send: Send) -> None:
        for place in range(3):
            if place == 2:
                meanwhile()
            heard.append((await receive())["type"].removeprefix("websocket."))

    async def receive() -> dict[str, str]:
        return {"type": next(words)}

    async def send(_: Message) -> None:
        """Nobody listens."""

    scope = {
        "type": "websocket",
        "path": "/_stcore/stream",
        "headers": [(b"cookie", cookie.encode())],
    }
    asyncio.run(Wall(listening, gate)(scope, receive, send))
    return heard


def test_signing_out_ends_what_another_window_still_shows(keys: Keys) -> None:
    session = str(keys.enter(keys.new_link()))

    def heard(meanwhile: Callable[[], None]) -> list[str]:
        cookie = f"{keys.cookie}={session}"
        return heard_by(lambda: Gate("site", keys), cookie, meanwhile)

    assert heard(lambda: None) == ["connect", "receive", "receive"]
    assert heard(lambda: keys.leave(session)) == ["connect", "receive", "disconnect"]


def test_who_is_no_member_any_longer_is_shown_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    user = {"is_logged_in": True, "email": "bo@clinic.example", "email_verified": True}
    monkeypatch.setattr("webapp.gate.wall.user_of", lambda _: user)
    members = ["@clinic.example"]

    def gate() -> Gate:
        return Gate("site", None, Members((*members, "ana@one.example")))

    assert heard_by(gate, "", lambda: None) == ["connect", "receive", "receive"]
    assert heard_by(gate, "", members.clear) == ["connect", "receive", "disconnect"]
    # A stranger's page asks them to sign in, and has nothing else.
    user["is_logged_in"] = False
    assert heard_by(gate, "", lambda: None) == ["connect", "receive", "receive"]


def test_another_site_signs_nobody_out(stranger: Browser, keys: Keys) -> None:
    enter(stranger, keys)
    # From another site the browser sends no cookie along, and would take this one's deletion.
    answer = Browser(stranger.app).ask("/leave")
    assert answer.status == 200
    assert "set-cookie" not in answer.headers
    assert stranger.ask("/leave").headers["set-cookie"]


def test_every_answer_says_how_a_browser_is_to_treat_it(stranger: Browser, keys: Keys) -> None:
    refused = stranger.ask("/").headers
    enter(stranger, keys)
    for headers in (refused, stranger.ask("/").headers, stranger.ask("/media/a.png").headers):
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe-eval" not in headers["content-security-policy"]
    assert stranger.ask("/media/a.png").headers["cache-control"] == "no-store"
    assert stranger.ask("/enter").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("tag", "lang", "says"),
    [("ru-RU,en", "", "ru"), ("de,zh-CN;q=0.8", "", "zh"), ("ru", "en", "en"), ("", "", "en")],
)
def test_a_stranger_is_told_in_their_language(
    stranger: Browser, tag: str, lang: str, says: str
) -> None:
    answer = stranger.ask(f"/?lang={lang}", Accept_Language=tag)
    assert f'<html lang="{says}">' in answer.text


def test_the_classroom_stands_open_and_broken_settings_close_everything() -> None:
    assert browser(Gate("classroom", None)).ask("/").text == "behind"

    def broken() -> Gate:
        raise SettingsError("The settings file is missing")

    assert Browser(Wall(app(), broken)).ask("/").status == 503


def test_with_a_provider_pages_ask_themselves_and_pictures_are_kept_here() -> None:
    client = browser(Gate("site", None, Members(("@clinic.example",))))
    assert client.ask("/").text == "behind"
    for place in (
        "/media/a.png",
        "/base/media/a.png",
        "/_stcore/upload_file/s/f",
        "/_stcore/metrics",
    ):
        assert client.ask(place).status == 401


def test_who_comes_back_without_an_account_is_told_so_and_nothing_that_a_stranger_wrote(
    caplog: pytest.LogCaptureFixture,
) -> None:
    member = browser(Gate("site", None, Members(("@clinic.example",))))
    refused = member.ask("/oauth2callback?error=access_denied&error_description=Pay+evil.example")
    assert refused.status == 403
    assert "did not sign you in" in refused.text
    assert "access_denied" in refused.text
    assert "evil" not in refused.text
    assert "access_denied: Pay evil.example" in caplog.text
    assert "evil" not in member.ask("/oauth2callback?error=Go+to+evil.example").text
    assert "content-security-policy" in refused.headers
    assert member.ask("/oauth2callback?code=1").text == "behind"
