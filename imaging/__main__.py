"""Command line: `python -m imaging COMMAND`; `--help` lists the commands."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from federated.errors import FederationError
from imaging.batch_index import BatchIndex
from imaging.batch_server import check_unused, publish, read_index
from imaging.commands.data_options import add_data_options, opened
from imaging.commands.fragments import add_fragments_command
from imaging.commands.show import add_show_command
from imaging.isic.command import add_isic_command
from imaging.packing import pack_batches, write_batches
from imaging.source import Skipped
from imaging.synthetic import DemoSize, write_demo_set

MAX_NUMBER = 1_000_000_000


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
    _add_batches(commands.add_parser("batches", help="pack pictures into batches"))
    add_show_command(commands.add_parser("show", help="tell what a data set is"))
    add_fragments_command(commands.add_parser("fragments", help="cut large pictures up"))
    add_isic_command(commands.add_parser("isic", help="fetch pictures from the ISIC archive"))
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
    parser.description = (
        "Packs public pictures into batches that a master can assign, and puts them where "
        "sites can read them. No picture comes twice; every batch has the mix of classes of "
        "the whole. Of a data set in parts, only the part `train` is packed."
    )
    add_data_options(parser)
    parser.add_argument(
        "--out",
        required=True,
        metavar="URL",
        help="a new folder, or http(s)://, ftp:// or s3:// and a place without batches; logins "
        "stand in ~/.netrc, keys for s3:// in the environment",
    )
    parser.add_argument("--count", type=_at_least(1), default=10, help="batches (%(default)s)")
    parser.add_argument(
        "--train", type=_at_least(1), default=100, help="training pictures of each (%(default)s)"
    )
    parser.add_argument(
        "--validation",
        type=_at_least(0),
        default=10,
        help="validation pictures of each (%(default)s)",
    )
    parser.add_argument(
        "--seed", type=_at_least(0), default=0, help="decides which pictures go where (%(default)s)"
    )
    parser.set_defaults(run=_batches)


def _at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if least <= int(text) <= MAX_NUMBER:
            return int(text)
        raise argparse.ArgumentTypeError(f"should be a whole number from {least} to {MAX_NUMBER}")

    return number


def _synthetic(options: argparse.Namespace) -> None:
    demo = DemoSize(options.count, options.audit, options.test, options.size, options.difficulty)
    write_demo_set(options.out, np.random.default_rng(options.seed), demo, _show_progress)
    print(f"{sum(demo.parts.values())} synthetic pictures are in {options.out}.")


def _batches(options: argparse.Namespace) -> None:
    url = options.out if "://" in options.out else str(Path(options.out).resolve())
    check_unused(url)
    found = list(opened(options).pictures(_tell))
    pictures = [one for one in found if one.part == "train"] or found
    rng = np.random.default_rng(options.seed)
    batches = pack_batches(
        pictures, options.count, options.train, options.validation, rng, on_skip=_tell
    )
    with TemporaryDirectory() as folder:
        packed = Path(folder) / "batches"
        done = count(1)
        index = write_batches(
            packed, batches, lambda _: _show_progress(next(done), options.count, "batches packed")
        )
        size = sum(path.stat().st_size for path in packed.iterdir())
        publish(packed, url, on_bytes=lambda sent: _show_progress(sent, size, "bytes published"))
    print(_published(url, index))
    _try_as_site(url)


def _published(url: str, index: BatchIndex) -> str:
    size = sum(entry.bytes for entry in index.batches) / 2**20
    train, validation = index.train_counts, index.validation_counts
    width = max(len("class"), *(len(name) for name in index.classes))
    lines = [
        f"{len(index.batches)} batches ({size:.1f} MiB) are at {url}.",
        f"{'class':{width}}  training  validation",
        *(f"{name:{width}}  {train[name]:8}  {validation[name]:10}" for name in index.classes),
        "A plan that trains on them says:",
        f'data = {{kind = "batches", url = {json.dumps(url)}}}',
    ]
    return "\n".join(lines)


def _try_as_site(url: str) -> None:
    """Tells whoever published what a site would only tell much later."""
    try:
        read_index(url)
    except FederationError as error:
        print(f"Sites cannot read the batches there yet. {error.detail}", file=sys.stderr)


def _show_progress(done: int, total: int, what: str = "pictures") -> None:
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r{done} of {total} {what}", end=end, file=sys.stderr, flush=True)


def _tell(skipped: Skipped) -> None:
    print(f"left out: {skipped.name}: {skipped.reason}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
