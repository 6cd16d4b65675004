import os
import signal
import subprocess
import sys

import pytest

from federated.errors import InvalidInput
from serving.failpoints import FAILPOINTS, VARIABLE, failpoint_from, no_failpoint


def deaths(wanted: str, names: list[str]) -> list[int]:
    """After how many of the places a failpoint would have ended the process."""
    died: list[int] = []
    passed: list[str] = []
    failpoint = failpoint_from({VARIABLE: wanted}, lambda: died.append(len(passed)))
    for name in names:
        passed.append(name)
        failpoint(name)
    return died


@pytest.mark.parametrize("environ", [{}, {VARIABLE: ""}])
def test_without_a_name_every_place_is_passed(environ: dict[str, str]) -> None:
    assert failpoint_from(environ) is no_failpoint
    for name in FAILPOINTS:
        no_failpoint(name)


def test_a_server_dies_where_it_first_reaches_the_place() -> None:
    assert deaths("round-closed", ["round-opened", "round-closed", "round-closed"]) == [2]


def test_a_count_lets_the_place_be_passed_before() -> None:
    places = ["update-kept", "update-submitted"] * 4
    assert deaths("update-submitted:3", places) == [6]
    assert deaths("update-submitted:5", places) == []


@pytest.mark.parametrize(
    "wanted", ["round", "round-opened:0", "round-opened:-1", "round-opened:x", "a:1", " ", "round-"]
)
def test_a_place_that_there_is_not_is_refused_before_anything_starts(wanted: str) -> None:
    with pytest.raises(InvalidInput, match="names no failpoint") as refused:
        failpoint_from({VARIABLE: wanted})
    assert all(name in refused.value.detail for name in FAILPOINTS)


def test_the_process_is_really_killed_and_says_nothing() -> None:
    code = (
        "import os\n"
        "from serving.failpoints import failpoint_from\n"
        "try:\n"
        "    failpoint_from(os.environ)('round-averaged')\n"
        "finally:\n"
        "    print('on the way out')\n"
    )
    dead = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, VARIABLE: "round-averaged"},
        capture_output=True,
        check=False,
    )
    assert dead.returncode == -signal.SIGKILL
    assert dead.stdout == b""
