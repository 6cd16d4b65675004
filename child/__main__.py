"""The child's command line: `python -m child serve` and `python -m child token`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from child.settings import SERVE, TOKEN, settings_from
from child.state_folder import StateFolder
from child.store.opening import open_database
from child.store.tokens import TokenStore
from federated.errors import FederationError
from serving.options import add_options
from serving.server import wait_for_signal
from serving.state_folder import only_server


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Runs one command; returns the exit status."""
    options = _parser(environ).parse_args(arguments)
    try:
        return _serve(options) if options.command == "serve" else _token(options)
    except FederationError as error:
        print(f"child: {error.detail}", file=sys.stderr)
        return 1


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m child", description="The Commonsight server of one site."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="answer the site and train for the master")
    add_options(serve, SERVE, environ)
    token = commands.add_parser("token", help="print a new token for the site's web app")
    add_options(token, TOKEN, environ)
    return parser


def _serve(options: argparse.Namespace) -> int:
    # Takes a second to import, which who wants a token or help need not wait for.
    from child.server import Child

    settings = settings_from(options)
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with only_server(settings.state, "child"):
        child = Child(settings)
        try:
            child.start()
            wait_for_signal(lambda: print(f"ready {child.address}", flush=True))
        finally:
            child.close()
    return 0


def _token(options: argparse.Namespace) -> int:
    folder = StateFolder(Path(options.state).expanduser().absolute())
    folder.make()
    database = open_database(folder, options.database)
    try:
        print(TokenStore(database, time.time).mint("site"))
    finally:
        database.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
