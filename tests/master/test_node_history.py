import pytest

from federated.views import NodeHistory
from tests.master.federation import Clock, Federation, trained


def test_a_node_is_told_what_became_of_each_of_its_tasks(
    federation: Federation, clock: Clock
) -> None:
    federation.study()
    a, b = federation.site("clinic-a"), federation.site("clinic-b")
    federation.run(rounds=2, quorum=2, privacy={"min_examples": 5})
    for turn in range(2):
        clock.tick(7)
        federation.deliver(a, trained(a, 1.0 + turn, 10))
        federation.deliver(b, trained(b, 2.0, 5))
        federation.settle()
    history = NodeHistory.model_validate(federation.get(f"/nodes/{a.id}/history"))
    assert history.states == {"accepted": 2}
    assert [task.round for task in history.tasks] == [2, 1]
    assert history.tasks[0].share == pytest.approx(2 / 3)
    assert history.tasks[0].nbytes
    assert history.tasks[0].audit
    assert [task.seconds for task in history.tasks] == [7.0, 7.0]
