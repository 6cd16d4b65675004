"""The master's command line: `python -m master serve | token | gc`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from federated.errors import FederationError
from master.garbage_collection import collect_garbage
from master.settings import READY_MADE_PLANS, Settings
from master.state_folder import only_server, open_state
from master.store import tokens
from serving.server import wait_for_signal

Parser = argparse.ArgumentParser

_TRUE = {"1", "true", "yes", "on"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    # The migrations' steps are no news to whoever runs the server.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        return int(options.command(options))
    except FederationError as error:
        print(error.detail, file=sys.stderr)
        return 1


def serve(options: argparse.Namespace) -> int:
    """Serves until a signal comes."""
    # Takes a second to import, which who wants a token or help need not wait for.
    from master.server import Master

    settings = _settings(options)
    with only_server(settings.state):
        master = Master(settings)
        try:
            master.start()
            address = f"http://{settings.host}:{master.port}"
            wait_for_signal(lambda: print(f"ready {address}", flush=True))
        finally:
            master.stop()
    # What a hanging call to a child still does is of no use to anybody.
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


def token(options: argparse.Namespace) -> int:
    """Prints a new token; works while the server runs."""
    database, _ = open_state(_settings(options))
    with database.write() as session:
        print(tokens.mint(session, options.role, time.time(), approve=options.approve))
    database.close()
    return 0


def gc(options: argparse.Namespace) -> int:
    """Deletes the updates of old rounds."""
    database, blobs = open_state(_settings(options))
    collected = collect_garbage(database, blobs, options.keep_rounds)
    print(f"{collected.blobs} updates deleted, {collected.nbytes / 2**20:.1f} MiB freed")
    database.close()
    return 0


def _parser() -> Parser:
    parser = Parser("python -m master", description="The server of a federation.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_serve(commands.add_parser("serve", help="serve until Ctrl-C", description=serve.__doc__))
    minting = commands.add_parser("token", help="print a new token", description=token.__doc__)
    _add_state(minting)
    _option(minting, "role", "what the token opens", choices=["operator", "viewer", "join"])
    _switch(minting, "approve", "whoever joins with the token may take part at once")
    minting.set_defaults(command=token)
    tidying = commands.add_parser("gc", help="delete old updates", description=gc.__doc__)
    _add_state(tidying)
    text = "rounds of each run whose updates stay"
    _option(tidying, "keep-rounds", text, type=int, default=10)
    tidying.set_defaults(command=gc)
    return parser


def _add_serve(parser: Parser) -> None:
    _add_state(parser)
    _option(parser, "host", "address to listen on", default="127.0.0.1")
    _option(parser, "port", "port to listen on; 0 takes a free one", type=int, default=8501)
    _option(parser, "plans", "folder of the ready-made plans", type=Path, default=READY_MADE_PLANS)
    text = "seconds of silence after which a task counts as lost"
    _option(parser, "lease-seconds", text, type=float, default=60.0)
    text = "seconds between the heartbeats that sites are asked for"
    _option(parser, "heartbeat-seconds", text, type=float, default=5.0)
    text = "seconds that a run waits for sites before it fails"
    _option(parser, "site-wait-seconds", text, type=float, default=30.0)
    text = "threads of the evaluation process; 0 takes all cores"
    _option(parser, "threads", text, type=int, default=0)
    _switch(parser, "allow-plain-http", "call sites on other machines without TLS")
    _switch(parser, "behind-proxy", "a proxy in front ends TLS; allows a --host off loopback")
    parser.set_defaults(command=serve)


def _add_state(parser: Parser) -> None:
    _option(parser, "state", "folder of everything that this master owns", type=Path)
    _option(parser, "database", "SQLAlchemy URL; by default SQLite in the state folder")
    _option(parser, "blobs", "URL of a folder that keeps the blobs too, such as s3://…")


def _option(parser: Parser, name: str, text: str, **settings: Any) -> None:
    """An option with its twin in the environment, which counts where the option is absent."""
    twin = _twin(name)
    default = os.environ.get(twin, settings.pop("default", None))
    needed = default is None and name in ("state", "role")
    parser.add_argument(
        f"--{name}", default=default, required=needed, help=f"{text} [{twin}]", **settings
    )


def _switch(parser: Parser, name: str, text: str) -> None:
    twin = _twin(name)
    default = os.environ.get(twin, "").lower() in _TRUE
    parser.add_argument(f"--{name}", action="store_true", default=default, help=f"{text} [{twin}]")


def _twin(name: str) -> str:
    return "COMMONSIGHT_" + name.upper().replace("-", "_")


def _settings(options: argparse.Namespace) -> Settings:
    known = vars(options)
    fields = (
        "host", "port", "database", "plans", "lease_seconds", "heartbeat_seconds",
        "site_wait_seconds", "threads", "allow_plain_http", "behind_proxy",
    )  # fmt: skip
    given = {name: known[name] for name in fields if name in known}
    settings = Settings(state=Path(options.state).resolve(), remote_blobs=options.blobs)
    return replace(settings, **given)


if __name__ == "__main__":
    raise SystemExit(main())
