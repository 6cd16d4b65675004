import pytest

from federated.messages import Progress
from federated.states import TaskState
from tests.webapp import sample
from webapp.progress import task_share

unchecked = Progress.model_construct
"""As an older master could hand it on."""

TASK = sample.training_run().tasks[0]


@pytest.mark.parametrize(
    ("state", "progress", "share"),
    [
        (TaskState.QUEUED, None, 0.0),
        (TaskState.TRAINING, Progress(epoch=0, epochs=4), 0.0),
        (TaskState.TRAINING, Progress(epoch=1, epochs=4, step=0, steps=10), 0.0),
        (TaskState.TRAINING, Progress(epoch=2, epochs=4, step=5, steps=10), 0.375),
        (TaskState.TRAINING, Progress(epoch=4, epochs=4, step=10, steps=10), 1.0),
        (TaskState.TRAINING, Progress(epoch=3, epochs=3, step=0, steps=0), 2 / 3),
        (TaskState.TRAINING, Progress(epoch=7, epochs=2, step=9, steps=3), 1.0),
        (TaskState.TRAINING, Progress(epoch=1, epochs=2, step=9, steps=3), 0.5),
        (TaskState.TRAINING, unchecked(epoch=1, epochs=2, step=10**400, steps=10**399), 0.5),
        (TaskState.TRAINING, unchecked(epoch=10**400, epochs=10**400, step=1, steps=1), 1.0),
        (TaskState.SUBMITTED, None, 1.0),
        (TaskState.FAILED, None, 1.0),
    ],
)
def test_share_of_a_task_that_is_done(
    state: TaskState, progress: Progress | None, share: float
) -> None:
    task = TASK.model_copy(update={"state": state, "progress": progress})
    assert task_share(task) == pytest.approx(share)
