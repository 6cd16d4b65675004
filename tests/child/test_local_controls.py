"""A site's own control variates, by the task that made them."""

from pathlib import Path

import pytest

from child import local_controls
from child.local_controls import LocalControls


def write(controls: LocalControls, run: str, task: str) -> Path:
    path = controls.place(run, task)
    path.write_text(task)
    return path


def test_a_task_goes_on_from_the_one_that_counted_and_not_from_the_latest(tmp_path):
    controls = LocalControls(tmp_path)
    assert controls.of_task("run", None) is None
    counted, late = write(controls, "run", "1"), write(controls, "run", "2")
    assert controls.of_task("run", "1") == counted
    assert not late.exists()
    assert controls.of_task("run", "1") == counted


def test_what_is_lost_is_none(tmp_path):
    controls = LocalControls(tmp_path)
    write(controls, "run", "2")
    assert controls.of_task("run", "1") is None
    assert list(tmp_path.iterdir()) == []


def test_runs_do_not_touch_each_other(tmp_path):
    controls = LocalControls(tmp_path)
    other = write(controls, "../other.run", "1")
    assert other.parent == tmp_path
    assert controls.of_task("run", "1") is None
    assert controls.of_task("../other.run", "1") == other


def test_the_oldest_go_where_there_are_many(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(local_controls, "KEPT_FILES", 2)
    controls = LocalControls(tmp_path)
    import os

    for number, run in enumerate(("one", "two", "three")):
        os.utime(write(controls, run, "1"), (number, number))
    assert controls.of_task("three", "1") is not None
    assert [controls.of_task(run, "1") is None for run in ("one", "two")] == [True, False]
