"""Command line: `python -m engines.processes [COMMAND]`; `./run_all.sh` calls it."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence

from engines.processes.demo import demo, link
from engines.processes.errors import Interrupted
from engines.processes.options import parse
from engines.processes.own_model import own_model
from engines.processes.progress import say
from engines.processes.servers import raise_on_signals, signals_were_heard
from engines.processes.train import train
from federated.errors import FederationError


def compare(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """See `engines.compare.command.compare`."""
    # It needs parts of master and child that the other commands can start without.
    from engines.compare import command

    return command.compare(options, environment)


RUN: Mapping[str, Callable[..., int]] = {
    "demo": demo,
    "link": link,
    "train": train,
    "compare": compare,
}


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Does what the command line says; returns the exit status.

    A demo ends by a signal, so that is no failure; a training that a signal ends is one.
    """
    options = parse(arguments, environment)
    raise_on_signals()
    try:
        with own_model(options, environment) as options:
            return RUN[options.command](options, environment)
    except Interrupted as interruption:
        signals_were_heard()
        say("Stopped.")
        return 0 if options.command == "demo" else 128 + interruption.signal
    except FederationError as error:
        say(error.detail)
    except OSError as error:
        # A full disk, a folder that may not be written to: the user can mend it.
        say(f"{error.strerror or error}: {error.filename or 'no file named'}.")
    return 1


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show a character must not cost the tables.
        sys.stdout.reconfigure(errors="replace")
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    sys.exit(main(sys.argv[1:], os.environ))
