"""The tether as a real process, whose engine goes away."""

import subprocess
import sys

from engines.processes.servers import ROOT

TALKATIVE = """
import os, pathlib, signal, sys, threading

def stop(*_):
    os.write(1, b"Stopping.\\n")
    pathlib.Path("stopped").touch()
    sys.exit()

signal.signal(signal.SIGTERM, stop)
os.write(1, b"ready\\n")
while True:
    threading.Event().wait(0.05)
"""


def test_a_server_that_speaks_as_it_stops_stops_though_nobody_listens(tmp_path):
    (tmp_path / "talkative.py").write_text(TALKATIVE)
    with subprocess.Popen(
        [sys.executable, "-m", "engines.processes.tether", "talkative"],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{ROOT}:{tmp_path}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as server:
        assert server.stdout.readline() == b"ready\n"
        server.stdout.close()
        server.stdin.close()
        assert server.wait(60) == 0
    assert (tmp_path / "stopped").exists()
