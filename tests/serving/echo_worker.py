"""A worker process for tests: does what it is told, without TensorFlow."""

import os
import signal
import time

from federated.errors import InvalidInput
from serving.worker_main import Json, Request, serve, take_over_stdout


def echo(arguments: Json, request: Request) -> Json:
    print("noise that a library prints")
    for number in range(arguments.get("events", 0)):
        request.emit({"number": number})
    return {"echo": arguments, "pid": os.getpid()}


def refuse(arguments: Json, request: Request) -> Json:
    raise InvalidInput("This is wrong", expected="better", code="wrong_thing")


def crash(arguments: Json, request: Request) -> Json:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def until_cancelled(arguments: Json, request: Request) -> Json:
    request.emit({"started": True})
    while not request.cancelled():
        time.sleep(0.01)
    return {"cancelled": True}


if __name__ == "__main__":
    serve(
        {
            "echo": echo,
            "refuse": refuse,
            "bug": lambda arguments, request: {"x": 1 // 0},
            "crash": crash,
            "until_cancelled": until_cancelled,
        },
        take_over_stdout(),
    )
