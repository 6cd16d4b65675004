import asyncio
from collections.abc import Awaitable, Callable

import pytest

from benchmarks.connection import Answer, Connection
from federated.errors import FederationError

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def calls(talk: Talk, number: int) -> list[Answer]:
    """The answers to as many calls, over one connection, of a server that talks like that."""
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    connection = Connection(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    async with server:
        try:
            return [await connection.call("PUT", "/a", {"A": "b"}, b"body") for _ in range(number)]
        finally:
            connection.close()


def answering(*answers: bytes) -> Talk:
    """Answers each call with the next of these, and then hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"PUT /a HTTP/1.1\r\nHost: 127.0.0.1:")
            assert b"\r\nA: b\r\nContent-Length: 4\r\n" in head
            assert await reader.readexactly(4) == b"body"
            writer.write(answer)
        writer.close()

    return talk


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nRetry-After: 2\r\n\r\nhello"
NOTHING = b"HTTP/1.1 204 No Content\r\n\r\n"


def test_answers_are_read_by_their_length_one_after_the_other() -> None:
    first, second = asyncio.run(calls(answering(NOTHING, OK), 2))
    assert (first.status, first.body) == (204, b"")
    assert (second.status, second.headers["retry-after"], second.body) == (200, "2", b"hello")


def test_a_kept_connection_that_the_server_has_closed_is_opened_again() -> None:
    answers = asyncio.run(calls(answering(OK), 3))
    assert [answer.status for answer in answers] == [200, 200, 200]


def test_a_server_that_hangs_up_before_it_answers_is_an_error() -> None:
    with pytest.raises(FederationError, match="PUT /a did not go through"):
        asyncio.run(calls(answering(), 1))
    with pytest.raises(FederationError, match="IncompleteReadError"):
        asyncio.run(calls(answering(OK[:-2]), 1))
