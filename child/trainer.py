"""The trainer: the worker process that trains. `python -m child.trainer`, started by the server."""

from __future__ import annotations

import argparse
import time

from models import runtime
from serving.worker_main import serve, take_over_pipes


def main() -> None:
    """Reads its settings, loads TensorFlow, and answers until its server ends."""
    parser = argparse.ArgumentParser(prog="python -m child.trainer", description=__doc__)
    parser.add_argument("--threads", type=int, default=1, help="threads within one operation")
    parser.add_argument("--deterministic", type=int, default=1, help="1: same seed, same bytes")
    arguments = parser.parse_args()
    pipes = take_over_pipes()
    runtime.configure(arguments.threads, bool(arguments.deterministic))

    # Not at the top: it imports Keras, which must find itself configured.
    from child.trainer_handlers import TrainerHandlers
    from child.unpacking import unpack

    handlers = TrainerHandlers(clock=time.monotonic)
    calls = {
        "prepare": handlers.prepare,
        "unpack": unpack,
        "train": handlers.train,
        "evaluate": handlers.evaluate,
    }
    serve(calls, pipes)


if __name__ == "__main__":
    main()
