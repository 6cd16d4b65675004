"""The command line, as a user calls it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from imaging.__main__ import main
from imaging.batch_server import fetch, read_index
from imaging.batches import decode_batch
from imaging.packing import read_batch
from tests.imaging.files import file_of, picture
from tests.imaging.remote.ftp_server import ftp_server

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"


def test_a_demo_set_is_drawn_and_packed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo, batches = str(tmp_path / "demo"), str(tmp_path / "batches")
    draw = ["synthetic", "--out", demo, "--count", "14", "--audit", "2", "--test", "2"]
    assert main([*draw, "--size", "24", "--seed", "3"]) == 0
    pack = ["batches", "--data", demo, "--out", batches, "--count", "2"]
    assert main([*pack, "--train", "5", "--validation", "2"]) == 0
    assert "18 synthetic pictures" in capsys.readouterr().out
    index = read_index(batches)[0]
    assert index.classes == ("benign", "malignant")
    assert [len(read_batch(Path(batches), one.sha256).train) for one in index.batches] == [5, 5]
    # A second time the folder is there already, and stays as it is.
    assert main([*pack, "--train", "5", "--validation", "2"]) == 1
    assert "not empty" in capsys.readouterr().err
    assert read_index(batches)[0] == index


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """24 pictures of one class and 12 of another."""
    for label, total in (("nevus", 24), ("scar", 12)):
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for n in range(total):
            path = tmp_path / "pictures" / label / f"{n}.png"
            path.write_bytes(file_of(picture(8, 9, seed=n + 100 * total)))
    return tmp_path / "pictures"


def test_batches_are_packed_and_put_on_an_ftp_server(
    pictures: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ann password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "served").mkdir()
    with ftp_server(tmp_path / "served", writer=("ann", "secret")) as server:
        out = f"{server.url}/skin"
        options = ["--count", "4", "--train", "6", "--validation", "3", "--out", out]
        assert main(["batches", "--data", str(pictures), *options]) == 0
        index, _ = read_index(out)
        fetch(out, index.batches[2].sha256, index.batches[2].bytes, tmp_path / "batch")
        said = capsys.readouterr()
        assert main(["batches", "--data", str(pictures), *options]) == 1
        assert "already" in capsys.readouterr().err
    assert said.err == ""
    assert f'data = {{kind = "batches", url = "{out}"}}' in said.out
    assert re.search(r"^nevus +16 +8$", said.out, re.MULTILINE)
    assert re.search(r"^scar +8 +4$", said.out, re.MULTILINE)
    assert [one.train for one in index.batches] == [{"nevus": 4, "scar": 2}] * 4
    assert [one.validation for one in index.batches] == [{"nevus": 2, "scar": 1}] * 4
    found = decode_batch((tmp_path / "batch").read_bytes(), index.batches[2].sha256)
    assert len(found.train) == 6


def test_who_publishes_hears_that_sites_cannot_read(
    pictures: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ann password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "served").mkdir()
    with ftp_server(tmp_path / "served", anonymous=False, writer=("ann", "secret")) as server:
        options = ["--count", "1", "--train", "6", "--validation", "0", "--out", server.url]
        assert main(["batches", "--data", str(pictures), *options]) == 0
    assert "Sites cannot read the batches there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("gopher://example.org/x", "no address of a batch server"),
        ("ftp://ann:secret@example.org/x", "without a password"),
        ("http://127.0.0.1:1/x", "cannot be reached"),
    ],
)
def test_where_nothing_can_be_put_nothing_is_packed(
    out: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # The data would be missed first if they were looked at.
    assert main(["batches", "--data", "nowhere", "--out", out]) == 1
    told = capsys.readouterr().err
    assert words in told
    assert "secret" not in told


@pytest.mark.parametrize("wrong", [["--count", "0"], ["--validation", "-1"], ["--seed", "x"]])
def test_numbers_are_checked(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["batches", "--data", "x", "--out", "y", *wrong])
    assert stop.value.code == 2
    assert wrong[0] in capsys.readouterr().err


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared pictures are not on this machine")
def test_a_real_data_set_becomes_ten_batches(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "batches")
    assert main(["batches", "--data", str(DATA / "skin_binary"), "--out", out]) == 0
    index, _ = read_index(out)
    assert [(one.train_total, one.validation_total) for one in index.batches] == [(100, 10)] * 10
    share = index.train_counts["benign"] / index.train_total
    for one in index.batches:
        assert abs(one.train["benign"] - 100 * share) <= 1


def test_a_missing_folder_is_a_sentence_and_not_a_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "imaging", "batches", "--data", "nowhere"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "x")], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("There is no such folder or file.")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["synthetic", "batches"])
def test_help_explains_each_option(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert "--count" in text
    assert "--seed" in text
