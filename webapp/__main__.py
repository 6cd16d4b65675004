"""Command line: `python -m webapp link` prints a new one-time link to the web app."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence

from webapp.gate.keys import LINK_SECONDS, Keys
from webapp.settings import VARIABLE, SettingsError, keys_path, load_settings


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Does what the command line says; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m webapp", description=__doc__)
    link = parser.add_subparsers(dest="command", required=True).add_parser(
        "link",
        help="print a link that signs a browser in",
        description=f"Prints a link for the web app whose settings file {VARIABLE} names.",
    )
    link.add_argument("--address", help="what the link begins with; default: the settings'")
    link.add_argument(
        "--browsers", type=int, default=1, metavar="N", help="how many browsers may use it"
    )
    link.add_argument(
        "--minutes", type=float, default=LINK_SECONDS / 60, metavar="M", help="how long it opens"
    )
    return _link(parser.parse_args(arguments), environment)


def _link(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    path = keys_path(environment)
    try:
        settings = load_settings(environment)
    except SettingsError as error:
        print(error.detail, file=sys.stderr)
        return 1
    if path is None or settings.role == "classroom":
        print("A classroom stands open: it has no secret, and needs no link.", file=sys.stderr)
        return 1
    key = Keys(path, time.time).new_link(max(1, options.browsers), options.minutes * 60)
    print(f"{(options.address or settings.address).rstrip('/')}/enter?key={key}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
