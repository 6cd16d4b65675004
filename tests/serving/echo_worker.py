"""A worker process for tests: does what it is told, without TensorFlow."""

import os
import signal
import time

from federated.errors import InvalidInput
from serving.worker_main import Call, Json, serve, take_over_pipes


def echo(arguments: Json, call: Call) -> Json:
    print("noise that a library prints")
    for number in range(arguments.get("events", 0)):
        call.emit({"number": number})
    return {"echo": arguments, "pid": os.getpid()}


def refuse(arguments: Json, call: Call) -> Json:
    raise InvalidInput("This is wrong", expected="better", code="wrong_thing")


def crash(arguments: Json, call: Call) -> Json:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def until_cancelled(arguments: Json, call: Call) -> Json:
    call.emit({"started": True})
    while not call.cancelled():
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
        take_over_pipes(),
    )
