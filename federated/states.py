"""The states of tasks, rounds, runs and nodes, and the moves between them: one table.

The master moves states by compare-and-set in its database; everybody else only reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from federated.errors import Conflict


class TaskState(StrEnum):
    """Where a task is: with the master, at the node, or over."""

    QUEUED = "queued"
    LEASED = "leased"
    TRAINING = "training"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    LATE = "late"
    EXPIRED = "expired"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RoundState(StrEnum):
    """Where a round is."""

    OPEN = "open"
    AGGREGATING = "aggregating"
    CLOSED = "closed"
    FAILED = "failed"


class RunState(StrEnum):
    """Where a run is; `idle` is a standing run between two rounds."""

    PENDING = "pending"
    RUNNING = "running"
    IDLE = "idle"
    PAUSED = "paused"
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"


class NodeState(StrEnum):
    """Whether the operator lets a node take part."""

    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"


class NodeStanding(StrEnum):
    """How closely the master looks at what a node sends; `suspended` is the operator's doing."""

    CHECKED = "checked"
    TRUSTED = "trusted"
    WATCHED = "watched"
    SUSPENDED = "suspended"


State = TaskState | RoundState | RunState | NodeState

_T, _R, _U, _N = TaskState, RoundState, RunState, NodeState

# One table a kind: the states are strings, and a run's "pending" equals a node's.
MOVES: Mapping[type[State], Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        TaskState: {
            _T.QUEUED: frozenset({_T.LEASED, _T.EXPIRED, _T.FAILED, _T.CANCELLED}),
            _T.LEASED: frozenset(
                {_T.TRAINING, _T.SUBMITTED, _T.QUEUED, _T.EXPIRED, _T.FAILED, _T.CANCELLED}
            ),
            _T.TRAINING: frozenset({_T.SUBMITTED, _T.QUEUED, _T.EXPIRED, _T.FAILED, _T.CANCELLED}),
            _T.SUBMITTED: frozenset({_T.ACCEPTED, _T.REJECTED, _T.LATE, _T.CANCELLED}),
            _T.EXPIRED: frozenset({_T.LATE}),
            # In an asynchronous run the model may have moved on too far before it is counted; and
            # the round's other updates may show that it must not count.
            _T.ACCEPTED: frozenset({_T.LATE, _T.REJECTED}),
            _T.REJECTED: frozenset(),
            _T.LATE: frozenset(),
            _T.FAILED: frozenset(),
            _T.CANCELLED: frozenset(),
        },
        RoundState: {
            _R.OPEN: frozenset({_R.AGGREGATING, _R.FAILED}),
            _R.AGGREGATING: frozenset({_R.CLOSED, _R.FAILED}),
            _R.CLOSED: frozenset(),
            _R.FAILED: frozenset(),
        },
        RunState: {
            _U.PENDING: frozenset({_U.RUNNING, _U.IDLE, _U.STOPPED, _U.FAILED}),
            _U.RUNNING: frozenset({_U.IDLE, _U.PAUSED, _U.COMPLETED, _U.STOPPED, _U.FAILED}),
            _U.IDLE: frozenset({_U.RUNNING, _U.PAUSED, _U.COMPLETED, _U.STOPPED, _U.FAILED}),
            _U.PAUSED: frozenset({_U.RUNNING, _U.IDLE, _U.STOPPED, _U.FAILED}),
            _U.COMPLETED: frozenset(),
            _U.STOPPED: frozenset(),
            _U.FAILED: frozenset(),
        },
        NodeState: {
            _N.PENDING: frozenset({_N.ACTIVE, _N.SUSPENDED}),
            _N.ACTIVE: frozenset({_N.SUSPENDED, _N.PENDING}),
            _N.SUSPENDED: frozenset({_N.ACTIVE}),
        },
    }
)


def is_final(state: State) -> bool:
    """Whether nothing more is to be done: expired and accepted tasks can only be left out."""
    return not MOVES[type(state)][state] - {TaskState.LATE, TaskState.REJECTED}


def check_move(before: State, after: State) -> None:
    """Refuses a move that the table does not have.

    Raises:
        Conflict: The move is not in the table.
    """
    moves = MOVES[type(before)][before]
    if type(after) is not type(before) or after not in moves:
        allowed = sorted(str(state) for state in moves) or ["nothing: this state is final"]
        raise Conflict(
            f"A {type(before).__name__.removesuffix('State').lower()} cannot go from "
            f"{before} to {after}",
            expected=f"one of {allowed}",
            received=str(after),
            code="wrong_state",
        )
