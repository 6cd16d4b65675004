"""The predictor: a second worker process, so that prediction never waits for a training.

`python -m child.predictor`, started by the server when a prediction is first asked for.
"""

from __future__ import annotations

import argparse

from models import runtime
from serving.worker_main import serve, take_over_pipes


def main() -> None:
    """Reads its settings, loads TensorFlow, and answers until its server ends."""
    parser = argparse.ArgumentParser(prog="python -m child.predictor", description=__doc__)
    parser.add_argument("--threads", type=int, default=1, help="threads within one operation")
    arguments = parser.parse_args()
    pipes = take_over_pipes()
    runtime.configure(arguments.threads, deterministic=False)

    # Not at the top: it imports Keras, which must find itself configured.
    from child.predictor_handlers import PredictorHandlers

    serve({"predict": PredictorHandlers().predict}, pipes)


if __name__ == "__main__":
    main()
