"""A worker of the simulation: what a child's trainer does and what the master's evaluator does.

`python -m engines.simulation.worker`, started by the simulation.
"""

from __future__ import annotations

import argparse
import time

from models import runtime
from serving.worker_main import serve, take_over_pipes


def main() -> None:
    """Reads its settings, loads TensorFlow, and answers until the simulation ends."""
    parser = argparse.ArgumentParser(
        prog="python -m engines.simulation.worker", description=__doc__
    )
    parser.add_argument("--threads", type=int, default=1, help="threads within one operation")
    arguments = parser.parse_args()
    pipes = take_over_pipes()
    runtime.configure(arguments.threads, deterministic=True)

    # Not at the top: they import Keras, which must find itself configured.
    from child.trainer_handlers import TrainerHandlers
    from master.evaluator_handlers import EvaluatorHandlers

    site, master = TrainerHandlers(clock=time.monotonic), EvaluatorHandlers()
    serve(
        {
            "train": site.train,
            "initial_model": master.initial_model,
            "report": master.report,
            "accuracies": master.accuracies,
        },
        pipes,
    )


if __name__ == "__main__":
    main()
