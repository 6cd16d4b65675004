"""The engine's options: one list that the command line, its help and the environment share."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.processes.errors import WrongOption
from engines.processes.ports import DEFAULT_BASE
from engines.processes.servers import ROOT

PREFIX = "COMMONSIGHT_"


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text)
        if not lowest <= number <= highest:
            raise argparse.ArgumentTypeError(f"must be from {lowest} to {highest}, not {number}")
        return number

    parse.__name__ = "whole number"
    return parse


def _folder(text: str) -> Path:
    try:
        return Path(text).expanduser().resolve()
    except (OSError, RuntimeError) as error:
        # There is no such user, or links lead in a circle.
        raise argparse.ArgumentTypeError(str(error)) from None


@dataclass(frozen=True, slots=True)
class Option:
    """One option of one or more commands.

    Attributes:
        name: As on the command line, without dashes: `port-base`.
        metavar: What its value is called in the help.
        parse: Makes the value of the text; ValueError or ArgumentTypeError refuses it.
        default: Value where neither the command line nor the environment gives one.
        help: What it does.
        required: Whether there must be a value.
    """

    name: str
    metavar: str
    parse: Callable[[str], Any]
    default: Any
    help: str
    required: bool = False

    @property
    def twin(self) -> str:
        """The environment variable that means the same."""
        return PREFIX + self.name.upper().replace("-", "_")


CHILDREN = Option("children", "N", _whole(1, 64), 2, "how many children (sites) to start")

DEMO = (
    Option(
        "state", "DIR", _folder, ROOT / "state", "folder that keeps everything between two starts"
    ),
    CHILDREN,
    Option(
        "port-base",
        "PORT",
        _whole(1024, 65_000),
        None,
        "take the next free ports from this one on; without it the ports from "
        f"{DEFAULT_BASE} on, which must then be free",
    ),
)

TRAIN = (
    Option(
        "data",
        "DIR",
        _folder,
        None,
        "data set: DIR/train/CLASS/* is dealt out to the children, DIR/test/CLASS/* (and, where "
        "there is one, DIR/audit/CLASS/*) goes to the master",
        required=True,
    ),
    CHILDREN,
    Option("rounds", "R", _whole(1, 100_000), None, "rounds; default: as the preset says"),
    Option("epochs", "E", _whole(0, 1000), None, "epochs a round; default: as the preset says"),
    Option("model", "NAME", str, None, "architecture; `python -m models` lists them"),
    Option("strategy", "NAME", str, None, "aggregation rule; default: as the preset says"),
    Option(
        "partition",
        "KIND",
        str,
        "iid",
        "how pictures are dealt out: iid, dirichlet:A (small A is uneven), label-skew (site k "
        "never sees class k), shards:K (K pieces a site of the pictures sorted by class), "
        "quantity:A (sizes differ) or by:COLUMN (of DIR/labels.csv, numbers in bands)",
    ),
    Option("preset", "NAME", str, "default", "ready-made plan of plans/ to start from"),
    Option("seed", "S", _whole(0, 2**31 - 1), 0, "root of every random choice"),
    Option(
        "state",
        "DIR",
        _folder,
        None,
        "empty or new folder that keeps databases, blobs and logs; default: the folder FILE.state "
        "beside the FILE of --out; without --out nothing is kept",
    ),
    Option(
        "out",
        "FILE",
        _folder,
        None,
        "JSON file for the results; the weights that it names are kept in the state folder",
    ),
    Option("size", "PX", _whole(8, 1024), 96, "side of the pictures that the model sees"),
    Option("batch-size", "B", _whole(1, 4096), None, "pictures per training step"),
    Option("learning-rate", "LR", float, None, "step size of the optimiser"),
)

COMMANDS: Mapping[str, tuple[Option, ...]] = {"demo": DEMO, "train": TRAIN}

SUMMARIES: Mapping[str, str] = {
    "demo": "start master, children and web app on this computer and print one address",
    "train": "train a model on a folder of pictures with real servers, without a browser",
}


def build_parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    """The command line; an option's default is its environment twin's value, where set."""
    parser = argparse.ArgumentParser(
        prog="./run_all.sh",
        description="Commonsight on this computer. Without a command: demo.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    explained = ["./run_all.sh test installs what the tests need and runs them."]
    for name, options in COMMANDS.items():
        command = commands.add_parser(name, help=SUMMARIES[name], description=SUMMARIES[name])
        for option in options:
            _add(command, option, environment)
        explained.append(command.format_help())
    parser.epilog = "\n".join(explained)
    return parser


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> argparse.Namespace:
    """The options of one call; a call that names no command is a `demo`.

    Raises:
        SystemExit: The command line is wrong, or asks for help.
    """
    names_command = any(word in COMMANDS or word in ("-h", "--help") for word in arguments[:1])
    words = list(arguments) if names_command else ["demo", *arguments]
    return build_parser(environment).parse_args(words)


def given_folder(options: argparse.Namespace, name: str) -> Path:
    """An option's folder, which must exist.

    Raises:
        WrongOption: There is no such folder.
    """
    folder: Path = getattr(options, name)
    if not os.path.isdir(folder):
        raise WrongOption(f"--{name} names no folder", expected="a folder", received=folder)
    return folder


def _add(command: argparse.ArgumentParser, option: Option, environment: Mapping[str, str]) -> None:
    text = environment.get(option.twin)
    shown = "" if option.default is None else f"; default: {option.default}"
    command.add_argument(
        f"--{option.name}",
        metavar=option.metavar,
        type=option.parse,
        # argparse parses a default that is a text as if it had been given.
        default=text if text else option.default,
        required=option.required and not text,
        help=f"{option.help}{shown} [{option.twin}]".replace("%", "%%"),
    )
