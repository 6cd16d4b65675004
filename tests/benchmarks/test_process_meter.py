import os
import subprocess
import sys

import pytest

from benchmarks.process_meter import _clock, _ps, cpu_seconds, megabytes
from federated.errors import FederationError

WORK = "import sys; data = bytearray(60_000_000); sum(range(3_000_000)); print('done', flush=True)"


def test_another_process_is_measured_from_outside() -> None:
    ours = cpu_seconds(os.getpid())
    code = f"{WORK}; del data; sys.stdin.read()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        assert cpu_seconds(process.pid) > 0
        assert megabytes(process.pid, kind="VmHWM") >= 60
        process.stdin.close()
    assert cpu_seconds(os.getpid()) >= ours


@pytest.mark.parametrize(
    ("text", "seconds"), [("0:01.25", 1.25), ("02:03:04", 7384), ("1-00:00:02", 86_402)]
)
def test_times_of_ps_are_understood(text: str, seconds: float) -> None:
    assert _clock(text) == seconds


def test_ps_gives_the_same_where_there_is_no_proc() -> None:
    assert int(_ps(os.getpid(), "rss")) * 1024 / 1e6 == pytest.approx(
        megabytes(os.getpid()), rel=0.2
    )


def test_a_process_that_is_gone_cannot_be_measured() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    with pytest.raises(FederationError, match="no process"):
        cpu_seconds(process.pid)
    with pytest.raises(FederationError, match="no process"):
        megabytes(process.pid)
