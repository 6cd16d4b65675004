"""The evaluator: the one process of the master where TensorFlow lives.

`python -m master.evaluator`, started by the server.
"""

from __future__ import annotations

import argparse
import socket

from models import runtime
from serving.worker_main import serve, take_over_pipes

SILENCE_SECONDS = 20.0
"""Silence after which a download of weights counts as broken off."""


def main() -> None:
    """Reads its settings, loads TensorFlow, and answers until its server ends."""
    parser = argparse.ArgumentParser(prog="python -m master.evaluator", description=__doc__)
    parser.add_argument("--threads", type=int, default=1, help="threads within one operation")
    arguments = parser.parse_args()
    pipes = take_over_pipes()
    runtime.configure(arguments.threads, deterministic=True)

    # What Keras downloads may come slowly, but not never.
    socket.setdefaulttimeout(SILENCE_SECONDS)

    # Not at the top: it imports Keras, which must find itself configured.
    from master.evaluator_handlers import EvaluatorHandlers

    handlers = EvaluatorHandlers()
    serve(
        {
            "initial_model": handlers.initial_model,
            "report": handlers.report,
            "answered": handlers.answered,
            "accuracies": handlers.accuracies,
            "answers": handlers.answers,
            "export": handlers.export,
        },
        pipes,
    )


if __name__ == "__main__":
    main()
