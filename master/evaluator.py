"""The evaluator: the one process of the master where TensorFlow lives.

`python -m master.evaluator`, started by the server.
"""

from __future__ import annotations

import argparse

from models import runtime
from serving.worker_main import serve, take_over_pipes


def main() -> None:
    """Reads its settings, loads TensorFlow, and answers until its server ends."""
    parser = argparse.ArgumentParser(prog="python -m master.evaluator", description=__doc__)
    parser.add_argument("--threads", type=int, default=1, help="threads within one operation")
    arguments = parser.parse_args()
    pipes = take_over_pipes()
    runtime.configure(arguments.threads, deterministic=True)

    # Not at the top: it imports Keras, which must find itself configured.
    from master.evaluator_handlers import EvaluatorHandlers

    handlers = EvaluatorHandlers()
    serve(
        {
            "initial_model": handlers.initial_model,
            "report": handlers.report,
            "export": handlers.export,
        },
        pipes,
    )


if __name__ == "__main__":
    main()
