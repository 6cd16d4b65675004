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


class Pipes:
    """The two pipes to the server: what it asks is heard in a thread of its own.

    Args:
        messages: Where answers go.
    """

    def __init__(self, messages: IO[bytes]) -> None:
        self._messages = messages
        self._writing = threading.Lock()
        self.requests: queue.Queue[Json] = queue.Queue()
        self.cancelled: set[int] = set()

    def send(self, message: Json) -> None:
        """Sends a message as a line; several threads may."""
        with self._writing:
            self._messages.write(json.dumps(message).encode() + b"\n")

    def listen(self) -> None:
        """Hears the server until it is gone; then this process is gone at once."""
        for line in sys.stdin.buffer:
            message = json.loads(line)
            if "cancel" in message:
                self.cancelled.add(message["cancel"])
            else:
                self.requests.put(message)
        # Nobody would read what a long import or training still has to say.
        os._exit(0)


def take_over_pipes() -> Pipes:
    """Keeps standard output for messages, and listens; called before heavy imports.

    What libraries print goes to standard error.
    """
    messages = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    pipes = Pipes(messages)
    threading.Thread(target=pipes.listen, daemon=True, name="requests").start()
    return pipes


def serve(handlers: Mapping[str, Handler], pipes: Pipes) -> None:
    """Answers requests until standard input ends.

    Args:
        handlers: By name; each takes JSON arguments and returns a JSON answer.
        pipes: From `take_over_pipes`.
    """
    while True:
        message = pipes.requests.get()
        _handle(message, handlers, pipes.cancelled, pipes.send)


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
