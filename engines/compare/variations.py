"""Variations of a plan that are to stand beside it."""

from __future__ import annotations

from collections.abc import Iterator

from engines.processes.planning import assign, assignments, checked_plan
from federated.plan import Plan


def variations(plan: Plan, text: str) -> Iterator[tuple[str, Plan]]:
    """Each value of each field, one at a time, with what differs in words.

    Args:
        plan: The plan.
        text: Fields with values between commas: `training.learning_rate=0.01,0.1 rounds=3`.

    Raises:
        WrongOption: A word is no assignment, or makes no possible plan.
    """
    for field, values in assignments(text):
        for value in values.split(","):
            document = plan.model_dump(mode="json")
            assign(document, field, value)
            yield f"{field.rpartition('.')[2]}={value}", checked_plan(document)
