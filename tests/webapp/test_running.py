"""The web app as `streamlit run` serves it: who may talk to it, and where uploads wait."""

import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from webapp.gate.keys import Keys
from webapp.settings import VARIABLE, keys_path

ROOT = Path(__file__).resolve().parents[2]
WAIT = 60.0


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The running web app, with its port."""
    folder = tmp_path_factory.mktemp("webapp")
    settings = folder / "settings.json"
    master = {"url": "http://127.0.0.1:1", "token": "none"}
    settings.write_text(json.dumps({"role": "console", "master": master}))
    settings.chmod(0o600)
    COOKIES.append(_signed_in(settings))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ("-m", "streamlit", "run", "webapp/app.py", "--server.port", str(port))
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=os.environ | {VARIABLE: str(settings)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_healthy(process, port)
        yield process, port
    finally:
        process.terminate()
        process.wait(20)


COOKIES: list[str] = []
"""Of a browser that has signed in."""


def _signed_in(settings: Path) -> str:
    path = keys_path({VARIABLE: str(settings)})
    assert path
    keys = Keys(path, time.time)
    return f"{keys.cookie}={keys.enter(keys.new_link())}"


def _wait_until_healthy(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + WAIT
    while process.poll() is None and time.monotonic() < end:
        try:
            if _get(port, "/_stcore/health", "127.0.0.1").status == 200:
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("the web app did not start")


def _get(port: int, path: str, host: str) -> HTTPResponse:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers={"Host": host})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def _talk(port: int, host: str, cookie: str = "") -> ClientConnection:
    """A session's WebSocket, asked for under a host's name by who has signed in."""
    return connect(
        f"ws://{host}/_stcore/stream",
        sock=socket.create_connection(("127.0.0.1", port), timeout=20),
        origin=f"http://{host}",
        subprotocols=["streamlit"],
        additional_headers={"Cookie": "; ".join(filter(None, (*COOKIES[-1:], cookie)))},
        proxy=None,
        max_size=None,
    )


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_this_computer_may_talk_to_it(app: tuple[subprocess.Popen[bytes], int], name: str) -> None:
    with _talk(app[1], f"{name}:{app[1]}"):
        pass


def test_a_stranger_gets_neither_page_nor_websocket_nor_upload(
    app: tuple[subprocess.Popen[bytes], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    port = app[1]
    monkeypatch.setattr(sys.modules[__name__], "COOKIES", ["commonsight-0=made-up"])
    for path in ("/", "/overview", "/static/js/x.js", "/media/x.png", "/_stcore/host-config"):
        assert _get(port, path, f"127.0.0.1:{port}").status == 401, path
    with pytest.raises(InvalidStatus) as caught:
        _talk(port, f"127.0.0.1:{port}")
    assert caught.value.response.status_code == 403


@pytest.mark.parametrize("name", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io"])
def test_a_page_that_rebinds_its_name_may_not(
    app: tuple[subprocess.Popen[bytes], int], name: str
) -> None:
    port = app[1]
    with pytest.raises(InvalidStatus) as caught:
        _talk(port, f"{name}:{port}")
    assert caught.value.response.status_code == 403


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="/proc is Linux's own")
def test_an_upload_waits_in_memory_alone(app: tuple[subprocess.Popen[bytes], int]) -> None:
    process, port = app
    cookie = (
        _get(port, "/_stcore/health", f"127.0.0.1:{port}").headers["Set-Cookie"].partition(";")[0]
    )
    with _talk(port, f"127.0.0.1:{port}", cookie) as session:
        number = _session_number(session)
        size = 8 * 2**20
        head, foot = (
            b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.jpg"\r\n\r\n',
            b"\r\n--b--\r\n",
        )
        lines = (
            f"PUT /_stcore/upload_file/{number}/{uuid.uuid4()} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            f"Cookie: {cookie}; {COOKIES[-1]}",
            f"X-Xsrftoken: {cookie.partition('=')[2]}",
            "Content-Type: multipart/form-data; boundary=b",
            f"Content-Length: {len(head) + size + len(foot)}",
        )
        with socket.create_connection(("127.0.0.1", port), timeout=20) as sending:
            sending.sendall("\r\n".join((*lines, "", "")).encode() + head + b"x" * (size - 1))
            # What the kernel still buffers is far less than what would have been spooled.
            time.sleep(0.5)
            assert _temporary_files(process.pid) == []
            sending.sendall(b"x" + foot)
            assert sending.recv(200).startswith(b"HTTP/1.1 204")


def _session_number(session: ClientConnection) -> str:
    """The session's own number, once its script has run to the end."""
    rerun = BackMsg()
    rerun.rerun_script.query_string = ""
    session.send(rerun.SerializeToString())
    number = ""
    while True:
        message = ForwardMsg.FromString(bytes(session.recv(timeout=WAIT)))
        if message.WhichOneof("type") == "new_session":
            number = message.new_session.initialize.session_id
        if message.WhichOneof("type") == "script_finished":
            return number


def _temporary_files(pid: int) -> list[str]:
    links = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            links.append(os.readlink(entry))
        except FileNotFoundError:
            continue
    return [link for link in links if link.endswith("(deleted)")]
