"""What can go wrong while servers are started, watched and called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from federated.errors import Conflict, FederationError, InvalidInput, Unavailable


class EngineError(FederationError):
    """Root of every error that this engine raises on purpose."""

    code = "engine_error"


class ServerFailed(EngineError, Unavailable):
    """A server did not start, or ended while it was needed."""

    code = "server_failed"


class PortTaken(EngineError, Conflict):
    """A port that a server was to listen on is in use."""

    code = "port_taken"


class StateInUse(EngineError, Conflict):
    """Another start of the engine is using the state folder."""

    code = "state_in_use"


class CallFailed(EngineError):
    """A server refused a call, or could not be reached.

    Attributes:
        status: HTTP status of the answer; None where none came.
        answer: The answer's JSON, where it was an object.
    """

    code = "call_failed"

    def __init__(
        self,
        problem: str,
        *,
        status: int | None = None,
        code: str | None = None,
        answer: Mapping[str, Any] | None = None,
    ) -> None:
        """Keeps status and answer besides; see the class docstring."""
        super().__init__(problem, code=code)
        self.status = status
        self.answer = answer or {}


class RunFailed(EngineError):
    """A run ended without a model to show for it."""

    code = "run_failed"


class WrongOption(EngineError, InvalidInput):
    """An option of the command line, or its environment twin, has an impossible value."""

    code = "wrong_option"


class Interrupted(BaseException):
    """A signal asked the engine to stop; unwinds it like Ctrl-C would.

    Attributes:
        signal: The signal's number.
    """

    def __init__(self, signal: int) -> None:
        """Keeps the signal's number."""
        super().__init__(f"signal {signal}")
        self.signal = signal
