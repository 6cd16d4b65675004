"""What another process uses: CPU time and memory, read from outside."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from federated.errors import FederationError


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used in all its threads, in seconds; not its children's.

    Raises:
        FederationError: There is no such process.
    """
    try:
        # After the name in brackets, which may hold spaces: user and system ticks are the
        # 14th and 15th fields of the line.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return _clock(_ps(pid, "time"))
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(pid: int, kind: str = "VmRSS") -> float:
    """Resident memory of a process in MB.

    Args:
        pid: The process.
        kind: As `/proc` names it: `VmRSS` now, `VmHWM` at its peak, `RssAnon` without pages of
            mapped files; where a system has no `/proc`, always what is resident now.

    Raises:
        FederationError: There is no such process.
    """
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return int(_ps(pid, "rss")) * 1024 / 1e6
    return next(int(line.split()[1]) for line in lines if line.startswith(kind)) * 1024 / 1e6


def family(pid: int) -> list[int]:
    """A process and all that it and those started, as far as they still run."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    pairs = [line.split() for line in listed.splitlines()]
    found = [pid]
    for one in found:
        found += [int(child) for child, parent in pairs if int(parent) == one]
    return found


def _ps(pid: int, column: str) -> str:
    """One figure of a process, on a system without `/proc`."""
    command = ["ps", "-o", f"{column}=", "-p", str(pid)]
    text = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    if not text:
        raise FederationError(f"There is no process {pid} to be measured")
    return text


def _clock(text: str) -> float:
    """Seconds of a time such as `1-02:03:04` or `12:34.56`."""
    days, _, time = text.rpartition("-")
    seconds = 0.0
    for part in time.split(":"):
        seconds = seconds * 60 + float(part)
    return int(days or 0) * 86_400 + seconds
