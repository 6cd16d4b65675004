import pytest

from federated.errors import Conflict
from federated.states import (
    MOVES,
    NodeState,
    RoundState,
    RunState,
    TaskState,
    check_move,
    is_final,
)


@pytest.mark.parametrize("kind", [TaskState, RoundState, RunState, NodeState])
def test_every_state_stands_in_the_table_and_moves_within_its_kind(kind: type) -> None:
    assert set(MOVES[kind]) == set(kind)
    for moves in MOVES[kind].values():
        assert all(isinstance(after, kind) for after in moves)


def test_states_of_two_kinds_are_never_mixed_up() -> None:
    check_move(NodeState.PENDING, NodeState.ACTIVE)
    check_move(RunState.PENDING, RunState.RUNNING)
    with pytest.raises(Conflict):
        check_move(RunState.RUNNING, TaskState.FAILED)


def test_every_state_of_a_task_can_end() -> None:
    for state in TaskState:
        reached, open_states = {state}, [state]
        while open_states:
            for after in MOVES[TaskState][open_states.pop()] - reached:
                reached.add(after)
                open_states.append(after)
        assert any(is_final(after) for after in reached), state


def test_an_accepted_update_may_be_rejected_by_the_rounds_others_and_not_the_other_way() -> None:
    check_move(TaskState.ACCEPTED, TaskState.REJECTED)
    assert is_final(TaskState.ACCEPTED)
    with pytest.raises(Conflict, match="from rejected to accepted"):
        check_move(TaskState.REJECTED, TaskState.ACCEPTED)


def test_allowed_moves_pass() -> None:
    check_move(TaskState.QUEUED, TaskState.LEASED)
    check_move(RunState.IDLE, RunState.RUNNING)
    check_move(TaskState.EXPIRED, TaskState.LATE)
