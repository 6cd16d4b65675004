"""A real S3 server on loopback: rclone, which is one program."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RCLONE = shutil.which("rclone", path=str(Path(sys.executable).parent)) or shutil.which("rclone")


@contextmanager
def s3_server(folder: Path, login: str | None = None) -> Iterator[str]:
    """The address of a server of the buckets in `folder`, until the block ends.

    Args:
        folder: Each folder in it is a bucket.
        login: Key and secret with a comma in between; None lets anybody in.
    """
    command = [str(RCLONE), "serve", "s3", "--config", "", "--addr", "127.0.0.1:0"]
    command += ["--auth-key", login] if login else []
    with subprocess.Popen([*command, str(folder)], stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            told = (re.search(r"http://[0-9.:]+", line) for line in server.stderr)
            yield next(found for found in told if found)[0]
        finally:
            server.kill()
