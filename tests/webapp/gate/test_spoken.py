"""The language of Streamlit's own page: that of the address, else the browser's."""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message

from webapp.gate.spoken import Spoken

PAGE = '<!DOCTYPE html><html lang="en"><body>page</body></html>'
HEADERS = {"etag": '"e"', "last-modified": "Fri, 20 Nov 2026 08:00:07 GMT"}


def page(request: Request) -> Response:
    if "if-none-match" in request.headers:
        return Response(status_code=304, headers=HEADERS)
    return HTMLResponse(PAGE, headers=HEADERS)


APP = Spoken(
    Starlette(routes=[Route("/text", lambda _: PlainTextResponse(PAGE)), Route("/", page)])
)


def asked(query: str = "", path: str = "/", **headers: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of an answer."""
    sent: list[Message] = []
    given = {"accept": "text/html,*/*", "accept_language": "fr, ru;q=0.8", **headers}
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in given.items()],
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(APP(scope, receive, send))
    head = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], head, body.decode()


@pytest.mark.parametrize(
    ("query", "browser", "code"),
    [
        ("lang=zh", "ru", "zh"),
        ("", "fr, ru;q=0.8", "ru"),
        ("lang=%22%3E", "zh-Hans-CN", "zh"),
        ("lang=en", "ru", "en"),
        ("", "de", "en"),
    ],
)
def test_a_page_names_its_language_and_stays_as_long(query: str, browser: str, code: str) -> None:
    status, head, body = asked(query, accept_language=browser)
    assert status == 200
    assert body == PAGE.replace('lang="en"', f'lang="{code}"')
    assert int(head["content-length"]) == len(body)


def test_what_a_cache_has_in_another_language_is_not_taken_for_it() -> None:
    status, head, _ = asked("lang=zh", if_none_match='"e"')
    assert status == 200
    assert "etag" not in head
    assert head["vary"] == "Accept-Language"
    assert asked("lang=en", if_none_match='"e"')[0] == 304


def test_what_is_no_page_stays_as_it_is() -> None:
    assert asked("lang=zh", path="/text")[2] == PAGE
    assert asked("lang=zh", accept="application/json")[2] == PAGE
