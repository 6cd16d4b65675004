"""The engine's options: one list that the command line, its help and the environment share."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from engines.processes.data_options import DATA_OPTIONS
from engines.processes.errors import WrongOption
from engines.processes.option import Option, folder, number, one_of, several, whole
from engines.processes.ports import DEFAULT_BASE
from engines.processes.servers import ROOT

CHILDREN = Option("children", "N", whole(1, 64), 2, "how many children (sites) to start")

PARTITION_KINDS = (
    "iid, dirichlet:A (small A is uneven), label-skew (site k never sees class k), shards:K (K "
    "pieces a site of the pictures sorted by class), quantity:A (sizes differ) or by:COLUMN (of "
    "DIR/labels.csv, numbers in bands)"
)

PRETRAINED = Option(
    "pretrained",
    "DIR",
    folder,
    None,
    "folder of the weights that plans name, such as mobilenet_2_5_224_tf_no_top.h5",
)

PLAN = (
    Option("preset", "NAME", str, "default", "ready-made plan of plans/ to start from"),
    Option("rounds", "R", whole(1, 100_000), None, "rounds; default: as the preset says"),
    Option("epochs", "E", whole(0, 1000), None, "epochs a round; default: as the preset says"),
    Option(
        "model",
        "NAME",
        str,
        None,
        "architecture; `python -m models` lists them; or a .keras file of your own",
    ),
    Option(
        "weights",
        "FILE",
        str,
        None,
        "file of pretrained weights to begin from, or imagenet; default: as the preset says",
    ),
    Option(
        "trained",
        "PART",
        one_of("whole", "last", "head", "features"),
        None,
        "what learns and travels: the whole model, its last blocks, its head, or its head on "
        "features that are computed once; default: as the preset says",
    ),
    Option("batch-size", "B", whole(1, 4096), None, "pictures per training step"),
    Option("learning-rate", "LR", number, None, "step size of the optimiser"),
    Option(
        "set",
        "FIELD=VALUE",
        str,
        None,
        'other fields of the plan, between blanks: "training.optimizer=sgd '
        'model.settings.dropout=0.5"; may be given several times',
        repeated=True,
    ),
    Option("size", "PX", whole(8, 1024), 96, "side of the pictures that the model sees"),
    PRETRAINED,
)
"""What makes a plan, of every command that trains."""

STATE = Option(
    "state", "DIR", folder, ROOT / "state", "folder that keeps everything between two starts"
)

LINK = (STATE,)

DEMO = (
    STATE,
    CHILDREN,
    Option(
        "port-base",
        "PORT",
        whole(1024, 65_000),
        None,
        "take the next free ports from this one on; without it the ports from "
        f"{DEFAULT_BASE} on, which must then be free",
    ),
    Option(
        "import-folder",
        "DIR",
        folder,
        None,
        "folder of this computer from which the sites may import pictures; default: none",
    ),
    PRETRAINED,
)

TRAIN = (
    Option(
        "data",
        "DIR",
        folder,
        None,
        "data set: DIR/train/CLASS/* is dealt out to the children, DIR/test/CLASS/* (and, where "
        "there is one, DIR/audit/CLASS/*) goes to the master; or another layout, in a folder, a "
        ".zip, .tar or .tar.gz, or a file of arrays (.npz, .p): `python -m imaging show` tells",
        required=True,
    ),
    *DATA_OPTIONS,
    CHILDREN,
    *PLAN,
    Option("strategy", "NAME", str, None, "aggregation rule; default: as the preset says"),
    Option(
        "partition",
        "KIND",
        str,
        "iid",
        f"how pictures are dealt out: {PARTITION_KINDS}",
    ),
    Option("seed", "S", whole(0, 2**31 - 1), 0, "root of every random choice"),
    Option(
        "state",
        "DIR",
        folder,
        None,
        "empty or new folder that keeps databases, blobs and logs; default: the folder FILE.state "
        "beside the FILE of --out; without --out nothing is kept",
    ),
    Option(
        "out",
        "FILE",
        folder,
        None,
        "JSON file for the results; the weights that it names are kept in the state folder",
    ),
)

COMPARE = (
    Option(
        "data",
        "DIR",
        folder,
        None,
        "data set: DIR/train/CLASS/* trains, DIR/test/CLASS/* judges; or another layout, as "
        "`train` takes it",
        required=True,
    ),
    *DATA_OPTIONS,
    Option(
        "children", "N", whole(1, 64), 2, "sites that the pictures are dealt out to; no servers run"
    ),
    *PLAN,
    Option(
        "cases",
        "LIST",
        several(one_of("together", "alone", "federated")),
        ("together", "alone", "federated"),
        "what is compared: all pictures together, each site alone, federated",
    ),
    Option(
        "strategies", "LIST", several(str), None, "aggregation rules; default: as the preset says"
    ),
    Option(
        "partitions",
        "LIST",
        several(str),
        ("iid",),
        f"how pictures are dealt out, between commas: {PARTITION_KINDS}",
    ),
    Option(
        "vary",
        "FIELD=LIST",
        str,
        None,
        "variations of the plan to stand beside it, between blanks: "
        '"training.learning_rate=0.01,0.0003 model.settings.norm=group" makes three; may be given '
        "several times",
        repeated=True,
    ),
    Option(
        "seeds", "LIST", several(whole(0, 2**31 - 1)), (1, 2, 3), "repeats: roots of every choice"
    ),
    Option(
        "folds",
        "K",
        whole(2, 100),
        None,
        "K-fold cross-validation over DIR/train instead of judging by DIR/test",
    ),
    Option(
        "out",
        "DIR",
        folder,
        None,
        "folder for tables and charts; finished cases are kept there and not done again; without "
        "it nothing is kept",
    ),
    Option("workers", "N", whole(1, 64), None, "trainings at a time; default: one a core"),
)

COMMANDS: Mapping[str, tuple[Option, ...]] = {
    "demo": DEMO,
    "link": LINK,
    "train": TRAIN,
    "compare": COMPARE,
}

SUMMARIES: Mapping[str, str] = {
    "demo": "start master, children and web app on this computer and print one address",
    "link": "print a new link that signs a browser in at a demo that runs",
    "train": "train a model on a folder of pictures with real servers, without a browser",
    "compare": "compare all pictures together, each site alone and federated, without servers",
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
    is_option = any(word.startswith("-") for word in arguments[:1])
    of_demo = not arguments or (is_option and arguments[0] not in ("-h", "--help"))
    words = ["demo", *arguments] if of_demo else list(arguments)
    # What `--model FILE.keras` holds is read once it is clear that it is needed.
    options = build_parser(environment).parse_args(words, argparse.Namespace(own=None))
    for option in COMMANDS[options.command]:
        if option.repeated:
            given = getattr(options, option.name)
            joined = " ".join(given) if given else environment.get(option.twin)
            setattr(options, option.name, joined or None)
    return options


def given_data(options: argparse.Namespace) -> Path:
    """The place of the data set, which must exist.

    Raises:
        WrongOption: There is nothing.
    """
    place: Path = options.data
    if not os.path.exists(place):
        raise WrongOption(
            "--data names no folder and no file",
            expected="a data set, in a folder, an archive or a file of arrays",
            received=place,
        )
    return place


def _add(command: argparse.ArgumentParser, option: Option, environment: Mapping[str, str]) -> None:
    text = environment.get(option.twin)
    default = option.default
    if isinstance(default, tuple):
        default = ",".join(map(str, default))
    shown = "" if default is None else f"; default: {default}"
    # A list of texts cannot go on from a twin's text: `parse` puts that in where none is given.
    text = None if option.repeated else text
    command.add_argument(
        f"--{option.name}",
        metavar=option.metavar,
        action="append" if option.repeated else "store",
        type=option.parse,
        # argparse parses a default that is a text as if it had been given.
        default=text if text else default,
        required=option.required and not text,
        help=f"{option.help}{shown} [{option.twin}]".replace("%", "%%"),
    )
