"""A signal ends the engine even where Python drops the first exception."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

LOST_ONCE = """
import os, signal, time
from engines.processes import servers
from engines.processes.errors import Interrupted

servers.AGAIN_SECONDS = 0.05

class Dropped:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGHUP)
        time.sleep(0.01)

# A stopped engine ignores signals, and so does whatever a test's process starts after it.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
servers.raise_on_signals()
try:
    Dropped()
    print("lost", flush=True)
    time.sleep(60)
except Interrupted as interruption:
    servers.signals_were_heard()
    time.sleep(0.2)
    print("heard", interruption.signal)
"""


def test_a_signal_that_a_destructor_dropped_is_raised_again() -> None:
    told = subprocess.run(
        [sys.executable, "-c", LOST_ONCE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert told.stdout.split("\n")[:2] == ["lost", f"heard {int(signal.SIGHUP)}"]
    assert "Exception ignored" in told.stderr
