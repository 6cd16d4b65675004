"""Moves between states: compare-and-set, with an event in the same transaction."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from federated.errors import Conflict
from federated.states import NodeState, RoundState, RunState, State, TaskState, check_move, is_final
from master.store import events
from master.store.tables import Base, NodeRow, RoundRow, RunRow, TaskRow

TASK_WORDS = {
    TaskState.QUEUED: "The work of {site} for round {round} waits for it to be heard of",
    TaskState.LEASED: "{site} has started round {round}",
    TaskState.TRAINING: "{site} trains for round {round}",
    TaskState.SUBMITTED: "{site} has sent its update for round {round}",
    TaskState.ACCEPTED: "The update of {site} for round {round} counts",
    TaskState.REJECTED: "The update of {site} for round {round} was rejected",
    TaskState.LATE: "The update of {site} for round {round} came too late",
    TaskState.EXPIRED: "{site} did not finish round {round} in time",
    TaskState.FAILED: "{site} could not train for round {round}",
    TaskState.CANCELLED: "The work of {site} for round {round} was called off",
}
EVALUATION_WORDS = {
    TaskState.QUEUED: "The models that {site} is to measure wait for it to be heard of",
    TaskState.LEASED: "{site} has begun to measure the models of all sites",
    TaskState.TRAINING: "{site} measures the models of all sites",
    TaskState.SUBMITTED: "{site} has sent what it measured",
    TaskState.ACCEPTED: "{site} has measured the models of all sites",
    TaskState.REJECTED: "What {site} measured cannot be used",
    TaskState.LATE: "What {site} measured came too late",
    TaskState.EXPIRED: "{site} did not measure the models of all sites in time",
    TaskState.FAILED: "{site} could not measure the models of all sites",
    TaskState.CANCELLED: "The measuring of models at {site} was called off",
}
ROUND_WORDS = {
    RoundState.OPEN: "Round {round} is open",
    RoundState.AGGREGATING: "The updates of round {round} are being averaged",
    RoundState.CLOSED: "Round {round} is averaged, and there is a new global model",
    RoundState.FAILED: "Round {round} failed",
}
RUN_WORDS = {
    RunState.PENDING: "The run waits to begin",
    RunState.RUNNING: "The run is under way",
    RunState.IDLE: "The run waits between two rounds",
    RunState.PAUSED: "The run is paused",
    RunState.COMPLETED: "The run is completed",
    RunState.STOPPED: "The run was stopped",
    RunState.FAILED: "The run failed",
}
NODE_WORDS = {
    NodeState.PENDING: "waits for approval",
    NodeState.ACTIVE: "may take part",
    NodeState.SUSPENDED: "was suspended",
}


def move_task(
    session: Session, task: TaskRow, after: TaskState, now: float, reason: str | None = None
) -> None:
    """Moves a task; `reason` is a sentence for people where the state needs one.

    Raises:
        Conflict: The table does not have the move, or somebody else moved first.
    """
    values: dict[str, Any] = {"changed_at": now, "reason": reason}
    _move(session, task, TaskState(task.state), after, values, id=task.id)
    tell_of_task(session, task, after, now, reason)


def tell_of_task(
    session: Session, task: TaskRow, state: TaskState, now: float, reason: str | None
) -> None:
    """Writes the event of a task's move."""
    site = session.get_one(NodeRow, task.node_id).name
    trains = task.kind != "evaluate"
    words = TASK_WORDS if trains else EVALUATION_WORDS
    text = words[state].format(site=site, round=task.round)
    data = {
        "task": task.id,
        "node": task.node_id,
        "round": task.round,
        "state": str(state),
        "reason": reason,
    }
    text += ", to compare it with another's" if task.kind == "replica" else ""
    text += f": {reason}" if reason else ""
    kind = f"task_{state}" if trains else f"evaluation_{state}"
    events.record(session, now, kind, text, run=task.run_id, **data)


def move_round(
    session: Session, row: RoundRow, after: RoundState, now: float, reason: str | None = None
) -> None:
    """Moves a round; a final state sets `closed_at`.

    Raises:
        Conflict: The table does not have the move, or somebody else moved first.
    """
    values: dict[str, Any] = {"reason": reason}
    if is_final(after):
        values["closed_at"] = now
    keys = {"run_id": row.run_id, "number": row.number}
    _move(session, row, RoundState(row.state), after, values, **keys)
    text = ROUND_WORDS[after].format(round=row.number) + (f": {reason}" if reason else "")
    data = {"round": row.number, "state": str(after), "reason": reason}
    events.record(session, now, f"round_{after}", text, run=row.run_id, **data)


def move_run(
    session: Session, run: RunRow, after: RunState, now: float, reason: str | None = None
) -> None:
    """Moves a run; a final state sets `finished_at`.

    Raises:
        Conflict: The table does not have the move, or somebody else moved first.
    """
    values: dict[str, Any] = {"reason": reason, "waiting_since": None}
    if is_final(after):
        values["finished_at"] = now
    _move(session, run, RunState(run.state), after, values, id=run.id)
    text = RUN_WORDS[after] + (f": {reason}" if reason else "")
    data = {"state": str(after), "reason": reason}
    events.record(session, now, f"run_{after}", text, run=run.id, **data)


def move_node(
    session: Session, node: NodeRow, after: NodeState, now: float, reason: str | None = None
) -> None:
    """Moves a node; `reason` is a sentence for people where the operator did not do it.

    Raises:
        Conflict: The table does not have the move, or somebody else moved first.
    """
    _move(session, node, NodeState(node.state), after, {}, id=node.id)
    text = f"{node.name} {NODE_WORDS[after]}" + (f": {reason}" if reason else "")
    data = {"node": node.id, "name": node.name, "state": str(after), "reason": reason}
    events.record(session, now, f"node_{after}", text, **data)


def _move(
    session: Session, row: Base, before: State, after: State, values: dict[str, Any], **keys: Any
) -> None:
    check_move(before, after)
    session.flush()
    statement = (
        update(type(row))
        .filter_by(**keys, state=str(before))
        .values(state=str(after), **values)
        .execution_options(synchronize_session=False)
    )
    result = cast("CursorResult[Any]", session.execute(statement))
    if result.rowcount != 1:
        raise Conflict(
            "Somebody else has changed this in the meantime",
            expected=f"the state {before}",
            code="wrong_state",
        )
    # The row in memory follows without another question to the database.
    for name, value in {"state": str(after), **values}.items():
        set_committed_value(row, name, value)
