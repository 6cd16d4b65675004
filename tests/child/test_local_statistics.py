"""The statistics that a site keeps to itself: a file for each run, the latest few."""

import os

from child.local_statistics import KEPT_RUNS, LocalStatistics


def keep(statistics, folder, run, data=b"tensors", at=0):
    draft = folder / "draft"
    draft.write_bytes(data)
    os.utime(draft, (at, at))
    statistics.keep(run, draft)


def test_a_run_has_what_was_kept_last(tmp_path):
    root = tmp_path / "statistics"
    root.mkdir()
    statistics = LocalStatistics(root)
    assert statistics.of_run("run-1") is None
    assert statistics.of_run(None) is None
    keep(statistics, tmp_path, "run-1", b"one")
    keep(statistics, tmp_path, "run-1", b"two")
    keep(statistics, tmp_path, "run-2", b"three")
    assert statistics.of_run("run-1").read_bytes() == b"two"
    assert statistics.of_run("run-2").read_bytes() == b"three"


def test_a_model_without_statistics_leaves_none(tmp_path):
    statistics = LocalStatistics(tmp_path)
    statistics.keep("run-1", tmp_path / "missing")
    assert statistics.of_run("run-1") is None


def test_a_run_of_any_name_stays_in_the_folder(tmp_path):
    root = tmp_path / "statistics"
    root.mkdir()
    statistics = LocalStatistics(root)
    keep(statistics, tmp_path, "../../elsewhere")
    assert [path.parent for path in root.iterdir()] == [root]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["statistics"]


def test_the_runs_of_long_ago_go_first(tmp_path):
    root = tmp_path / "statistics"
    root.mkdir()
    statistics = LocalStatistics(root)
    for number in range(KEPT_RUNS + 2):
        keep(statistics, tmp_path, f"run-{number}", at=number + 1)
    known = [number for number in range(KEPT_RUNS + 2) if statistics.of_run(f"run-{number}")]
    assert known == list(range(2, KEPT_RUNS + 2))
