"""What a policy asks for, and what it comes to. Pure.

A policy is a generator: it asks for the accuracies of some models, is sent them, and goes on
until it returns its merits. So the same few lines serve a test that knows every accuracy, and a
master that measures a few models at a time and may be killed in between: what is known already
is answered at once, and the first question whose answer is missing is the next work.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Coalition:
    """A model whose accuracy on the audit pictures is asked for.

    Attributes:
        members: Places of a round's updates, ascending; none is the model that the round
            started from.
        averaged: Whether it is what the plan's strategy makes of the members; else it is one
            update's own weights, as its node sent them.
    """

    members: tuple[int, ...]
    averaged: bool = True


def together(members: Iterable[int]) -> Coalition:
    """What the strategy makes of some updates, in whatever order they are named."""
    return Coalition(tuple(sorted(members)))


def own(place: int) -> Coalition:
    """One update's own weights."""
    return Coalition((place,), averaged=False)


@dataclass(frozen=True, slots=True)
class Merits:
    """What a policy found.

    Attributes:
        contributions: Of each update what it brought, in accuracy; negative where it cost some.
        compared: Of each update the accuracy that this was reckoned from: that of its own
            weights, of the others without it, or of it alone; None where that was not asked.
        before: Accuracy of the model that the round started from; None where it was not asked.
        after: Accuracy of what the strategy made of all updates; None where it was not asked.
        orders: Orders of the updates that an estimate rests on; None where it is no estimate.
        why_none: Why nobody is given anything, as a sentence; None where merits decide.
    """

    contributions: tuple[float, ...] = ()
    compared: tuple[float | None, ...] = ()
    before: float | None = None
    after: float | None = None
    orders: int | None = None
    why_none: str | None = None

    @property
    def merits(self) -> tuple[float, ...]:
        """Of each update what it is given credits for: its contribution, never below 0."""
        if self.why_none is not None:
            return tuple(0.0 for _ in self.contributions)
        return tuple(max(0.0, contribution) for contribution in self.contributions)


OUT_OF_TIME = "The time that the plan allows was over before enough models had been measured."

Asking = Generator[tuple[Coalition, ...], tuple[float, ...] | None, Merits]
"""Asks for accuracies and is sent them; None says that there will be no more."""

Value = Callable[[Sequence[Coalition]], Sequence[float]]
"""Measures models: accuracies from 0 to 1, in the order asked."""


def answered(
    policy: Asking, known: Callable[[Coalition], float | None], *, over: bool = False
) -> Merits | tuple[Coalition, ...]:
    """A policy's merits, as far as what is known leads; else what it asks for next.

    Args:
        policy: A policy that has not been asked yet.
        known: The accuracy of a model, if it has been measured.
        over: Whether no more will be: the policy then comes to what it can.
    """
    asked = next(policy)
    while True:
        accuracies = {one: known(one) for one in asked}
        found = tuple(value for value in map(accuracies.get, asked) if value is not None)
        complete = len(found) == len(asked)
        if not complete and not over:
            policy.close()
            return tuple(one for one, accuracy in accuracies.items() if accuracy is None)
        try:
            asked = policy.send(found if complete else None)
        except StopIteration as done:
            merits_of_all: Merits = done.value
            return merits_of_all


def merits(policy: Asking, value: Value) -> Merits:
    """A policy's merits, every model measured when it is first asked for.

    Args:
        policy: A policy that has not been asked yet.
        value: Measures models.
    """
    known: dict[Coalition, float] = {}
    asked = next(policy)
    while True:
        missing = [one for one in dict.fromkeys(asked) if one not in known]
        known.update(zip(missing, value(missing), strict=True))
        try:
            asked = policy.send(tuple(known[one] for one in asked))
        except StopIteration as done:
            found: Merits = done.value
            return found
