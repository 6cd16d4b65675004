"""Records a finished run for the classroom: `python -m webapp.lesson.record --help`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import requests
from PIL import Image

from federated.errors import FederationError
from webapp.api import Connection, MasterApi
from webapp.lesson.replay import Replay, written
from webapp.replay_source import replay_of


def main(arguments: list[str] | None = None) -> int:
    """Writes the recording.

    Returns:
        0, or 1 with a sentence on stderr.
    """
    chosen = _parser().parse_args(arguments)
    token = chosen.token_file.read_text().split()[-1]
    session = requests.Session()
    session.trust_env = False
    master = MasterApi(Connection(chosen.master, token, session, time.monotonic))
    try:
        replay = replay_of(master, chosen.run or _newest(master), None)
        content = written(replay, _kernel(replay, chosen.kernel), _picture(chosen.picture))
    except FederationError as error:
        print(error.detail, file=sys.stderr)
        return 1
    chosen.out.write_bytes(content)
    print(f"{chosen.out}: {replay.run.rounds} rounds, {len(content):,} bytes")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m webapp.lesson.record",
        description="Records one layer of a finished run, as every site returned it, and one "
        "public or synthetic picture, for the page Replay of a classroom without a server.",
    )
    parser.add_argument("--master", required=True, help="address of the master, http://…")
    parser.add_argument("--token-file", type=Path, required=True, help="file of an operator token")
    parser.add_argument("--run", help="the run; default: the newest that has completed")
    parser.add_argument("--kernel", help="name of the convolution; default: the first on pixels")
    parser.add_argument("--picture", type=Path, required=True, help="JPEG or PNG of no patient")
    parser.add_argument("--out", type=Path, required=True, help="file to write, .safetensors")
    return parser


def _newest(master: MasterApi) -> str:
    completed = [run.id for run in master.runs() if run.state == "completed"]
    if not completed:
        raise FederationError("No run has completed yet", expected="one that has")
    return completed[0]


def _kernel(replay: Replay, wanted: str | None) -> str:
    kernels = replay.run.kernels
    on_pixels = [name for name, shape in kernels.items() if shape[2] == 3]
    found = wanted if wanted in kernels else next(iter(on_pixels), None)
    if found is None or (wanted and wanted != found):
        raise FederationError(
            "There is no such convolution", expected=f"one of {sorted(kernels)}", received=wanted
        )
    return found


def _picture(path: Path, side: int = 96) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB").resize((side, side)))


if __name__ == "__main__":
    sys.exit(main())
