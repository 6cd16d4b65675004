"""The master's command line: `python -m master serve | token | gc | rewards`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Mapping, Sequence

from federated.errors import FederationError
from master.garbage_collection import collect_garbage
from master.settings import CHECK, COLLECT, SERVE, TOKEN, settings_from
from master.state_folder import open_state
from master.store import tokens
from serving.failpoints import failpoint_from
from serving.options import add_options
from serving.remote_blobs import RemoteAway
from serving.server import wait_for_signal
from serving.state_folder import only_server


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Runs one command; returns the exit status."""
    options = _parser(environ).parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    # What libraries do step by step is no news to whoever runs the server.
    for library in ("alembic", "botocore", "aiobotocore"):
        logging.getLogger(library).setLevel(logging.WARNING)
    # Nor is a node that hangs up while it waits.
    logging.getLogger("waitress").setLevel(logging.WARNING)
    try:
        return int(options.command(options))
    except (FederationError, RemoteAway) as error:
        print(error, file=sys.stderr)
        return 1


def serve(options: argparse.Namespace) -> int:
    """Serves until a signal comes."""
    # Takes a second to import, which who wants a token or help need not wait for.
    from master.server import Master

    settings, failpoint = settings_from(options), failpoint_from(options.environ)
    with only_server(settings.state, "master"):
        master = Master(settings, failpoint)
        try:
            master.start()
            wait_for_signal(lambda: print(f"ready {master.address}", flush=True))
        finally:
            master.stop()
    # What a hanging call to a child still does is of no use to anybody.
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


def token(options: argparse.Namespace) -> int:
    """Prints a new token; works while the server runs."""
    database, _ = open_state(settings_from(options))
    with database.write() as session:
        print(tokens.mint(session, options.role, time.time(), approve=options.approve))
    database.close()
    return 0


def gc(options: argparse.Namespace) -> int:
    """Deletes the updates of old rounds, and blobs that a crash left; works while it runs."""
    database, blobs = open_state(settings_from(options))
    collected = collect_garbage(database, blobs, options.keep_rounds, time.time())
    print(f"{collected.blobs} blobs deleted, {collected.nbytes / 2**20:.1f} MiB freed")
    database.close()
    return 0


def rewards(options: argparse.Namespace) -> int:
    """Checks the ledger, and recomputes it from the updates that are kept; works while it runs."""
    # Not at the top: what it needs takes a second to import.
    from master.coordinator.coalition_models import Bench
    from master.credit_check import check
    from master.evaluation import WorkerEvaluator
    from master.state_folder import StateFolder

    settings = settings_from(options)
    database, blobs = open_state(settings)
    state = StateFolder(settings.state)
    evaluator = WorkerEvaluator(state.logs, settings.threads, settings.pretrained_folder)
    wrong = 0
    try:
        for found in check(database, Bench(blobs, state, evaluator), options.run):
            print(f"run {found.run}, round {found.round}: {' '.join(found.told)}", flush=True)
            for fault in found.faults:
                print(f"  does not agree: {fault}", flush=True)
            wrong += bool(found.faults)
    finally:
        evaluator.stop()
        database.close()
    print("Everything agrees." if not wrong else f"{wrong} rounds do not agree.")
    return 1 if wrong else 0


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m master", description="The server of a federation.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command, options, text in (
        (serve, SERVE, "serve until Ctrl-C"),
        (token, TOKEN, "print a new token"),
        (gc, COLLECT, "delete old updates"),
        (rewards, CHECK, "recompute the credits"),
    ):
        subparser = commands.add_parser(command.__name__, help=text, description=command.__doc__)
        add_options(subparser, options, environ)
        subparser.set_defaults(command=command, environ=environ)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
