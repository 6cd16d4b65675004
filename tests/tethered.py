"""Servers that end with the tests that started them, even with those that were killed."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# The shell's input ends with the process that holds its other end, whatever ends that.
UNTIL_INPUT_ENDS = '"$@" & server=$!; exec 2>&-; read -r _; kill -"$0" $server; wait $server'


def tethered(
    command: Sequence[str | Path], end: str = "INT", **options: Any
) -> subprocess.Popen[str]:
    """Starts a command that gets the signal `end` when this process ends, or calls `release`."""
    shell = ["sh", "-c", UNTIL_INPUT_ENDS, end, *command]
    return subprocess.Popen(shell, stdin=subprocess.PIPE, text=True, **options)


def release(process: subprocess.Popen[str], patience: float = 60.0) -> None:
    """Ends a tethered command and waits for its end."""
    for stream in (process.stdin, process.stderr):
        if stream is not None:
            stream.close()
    process.wait(patience)
