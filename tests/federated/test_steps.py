"""The steps of an update by its plan, whatever a site claims."""

import pytest

from federated.steps import steps_of
from federated.training import EarlyStopping, Training

# 10 pictures in batches of 4 are 3 steps an epoch, 15 in all.
WHOLE = Training(epochs=5, batch_size=4)
EARLY = WHOLE.model_copy(update={"early_stopping": EarlyStopping()})


@pytest.mark.parametrize(
    ("training", "claimed", "steps"),
    [
        (WHOLE, 15, 15),
        (WHOLE, 1, 15),
        (WHOLE, 10**12, 15),
        (WHOLE, 0, 0),
        (EARLY, 6, 6),
        (EARLY, 1, 3),
        (EARLY, 10**12, 15),
        (EARLY, 0, 0),
        (Training(epochs=0), 7, 0),
    ],
)
def test_a_claim_is_believed_only_where_the_plan_leaves_it_open(
    training: Training, claimed: int, steps: int
) -> None:
    assert steps_of(training, num_examples=10, claimed=claimed) == steps
