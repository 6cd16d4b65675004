"""A worker process seen from inside: reads requests, answers, ends with its server."""

from __future__ import annotations

import json
import logging
import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any

from federated.errors import FederationError

log = logging.getLogger(__name__)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler may do besides returning its answer.

    Attributes:
        emit: Sends an event to the server at once.
        cancelled: Whether the server has asked to give up.
    """

    emit: Callable[[Json], None]
    cancelled: Callable[[], bool]


Handler = Callable[[Json, Call], Json]


def take_over_stdout() -> IO[bytes]:
    """Keeps standard output for messages; what libraries print goes to standard error."""
    messages = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return messages


def serve(handlers: Mapping[str, Handler], messages: IO[bytes]) -> None:
    """Answers requests until standard input ends; then the process is gone at once.

    Args:
        handlers: By name; each takes JSON arguments and returns a JSON answer.
        messages: Where answers go; from `take_over_stdout`, called before heavy imports.
    """
    requests: queue.Queue[Json] = queue.Queue()
    cancelled: set[int] = set()
    writing = threading.Lock()

    def send(message: Json) -> None:
        with writing:
            messages.write(json.dumps(message).encode() + b"\n")

    def listen() -> None:
        for line in sys.stdin.buffer:
            message = json.loads(line)
            if "cancel" in message:
                cancelled.add(message["cancel"])
            else:
                requests.put(message)
        # The server is gone: nobody would read what a long training still has to say.
        os._exit(0)

    threading.Thread(target=listen, daemon=True, name="requests").start()
    while True:
        _handle(requests.get(), handlers, cancelled, send)


def _handle(
    message: Json,
    handlers: Mapping[str, Handler],
    cancelled: set[int],
    send: Callable[[Json], None],
) -> None:
    number = message["id"]
    call = Call(
        emit=lambda event: send({"id": number, "event": event}),
        cancelled=lambda: number in cancelled,
    )
    try:
        send({"id": number, "result": handlers[message["call"]](message["arguments"], call)})
    except FederationError as error:
        detail = error.detail.removesuffix(".")
        send({"id": number, "error": {"code": error.code, "detail": detail}})
    except MemoryError:
        detail = "The worker ran out of memory"
        send({"id": number, "error": {"code": "out_of_memory", "detail": detail}})
    except Exception as error:
        log.exception("The request failed")
        detail = f"The worker met an unexpected {type(error).__name__}; its log has the details"
        send({"id": number, "error": {"code": "worker_error", "detail": detail}})
    finally:
        cancelled.discard(number)
