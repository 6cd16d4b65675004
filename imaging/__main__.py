"""Command line: `python -m imaging synthetic` and `python -m imaging batches`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from federated.errors import FederationError
from imaging.folders import read_class_folders
from imaging.packing import pack_batches, write_batches
from imaging.source import Skipped
from imaging.synthetic import DemoSize, write_demo_set


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit status."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except FederationError as error:
        print(error.detail, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m imaging", description="Pictures to work with.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_synthetic(commands.add_parser("synthetic", help="draw synthetic skin lesions"))
    _add_batches(commands.add_parser("batches", help="pack class folders into batches"))
    return parser


def _add_synthetic(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Draws synthetic skin lesions, benign and malignant in equal numbers, into "
        "DIR/{train,audit,test}/CLASS. They show no patient."
    )
    default = DemoSize()
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    parser.add_argument(
        "--count", type=int, default=default.train, help="training pictures (%(default)s)"
    )
    parser.add_argument(
        "--audit", type=int, default=default.audit, help="audit pictures (%(default)s)"
    )
    parser.add_argument(
        "--test", type=int, default=default.test, help="test pictures (%(default)s)"
    )
    parser.add_argument(
        "--size", type=int, default=default.size, help="side in pixels (%(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="the same seed, the same pictures (%(default)s)"
    )
    parser.add_argument(
        "--difficulty",
        type=float,
        default=default.difficulty,
        help="0 (plain) to 1 (hopeless) (%(default)s)",
    )
    parser.set_defaults(run=_synthetic)


def _add_batches(parser: argparse.ArgumentParser) -> None:
    parser.description = "Packs public pictures into batches that a master can assign."
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="holds class folders: DIR/train/CLASS/*, or DIR/CLASS/* if there is no DIR/train",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    parser.add_argument("--count", type=int, default=10, help="batches (%(default)s)")
    parser.add_argument(
        "--train", type=int, default=100, help="training pictures of each (%(default)s)"
    )
    parser.add_argument(
        "--validation", type=int, default=10, help="validation pictures of each (%(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="decides which pictures go where (%(default)s)"
    )
    parser.set_defaults(run=_batches)


def _synthetic(options: argparse.Namespace) -> None:
    demo = DemoSize(options.count, options.audit, options.test, options.size, options.difficulty)
    write_demo_set(options.out, np.random.default_rng(options.seed), demo, _show_progress)
    print(f"{sum(demo.parts.values())} synthetic pictures are in {options.out}.")


def _batches(options: argparse.Namespace) -> None:
    inner = options.data / "train"
    pictures = read_class_folders(inner if inner.is_dir() else options.data, _tell)
    rng = np.random.default_rng(options.seed)
    batches = pack_batches(
        pictures, options.count, options.train, options.validation, rng, on_skip=_tell
    )
    index = write_batches(options.out, batches)
    size = sum(entry.bytes for entry in index.batches) / 2**20
    print(f"{len(index.batches)} batches ({size:.1f} MiB) are in {options.out}.")


def _show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(
            f"\r{done} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True
        )


def _tell(skipped: Skipped) -> None:
    print(f"left out: {skipped.name}: {skipped.reason}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
