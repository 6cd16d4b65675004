import logging

import pytest

from serving.recent_log import LINES, LONGEST, RecentLog, without_secrets


@pytest.mark.parametrize(
    ("line", "hidden"),
    [
        ("Authorization: Bearer op-8f3a", "op-8f3a"),
        ("token=abc.def", "abc.def"),
        ("blobs at s3://key:hunter2@store/x", "hunter2"),
        ("blobs at s3://key:hunter2/3@store/x", "hunter2"),
        ("blobs at s3://key:hun@ter2@store/x", "ter2"),
        ("Authorization: Basic b3A6b3A=", "b3A6b3A="),
        ("Cookie: commonsight-1=op-8f3a", "op-8f3a"),
        ("connecting with passwd=hunter2", "hunter2"),
        ("connecting with pwd: 'hunter2'", "hunter2"),
        ("node made " + "k" * 40, "k" * 40),
    ],
)
def test_what_could_open_something_is_cut_out(line: str, hidden: str) -> None:
    assert hidden in line
    assert hidden not in without_secrets(line)
    assert without_secrets(line)[:4] == line[:4]


def test_the_newest_lines_are_kept_and_no_trace_behind_them() -> None:
    kept = RecentLog()
    log = logging.Logger("some.part")
    log.addHandler(kept)
    for number in range(LINES + 5):
        log.info("Line %s\nwith what is behind it", number)
    assert len(kept.lines) == LINES
    assert kept.lines[-1].endswith(f"INFO some.part: Line {LINES + 4}")
    log.info("x y" * LONGEST)
    assert len(kept.lines[-1]) == LONGEST
