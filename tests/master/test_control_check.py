"""Control variates against the weights that they came with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from federated.control import control_change, control_signature
from federated.errors import InvalidInput
from federated.signature import signature_of
from federated.training import Schedule, Training
from federated.wire import UpdateDocument
from master.control_check import ControlTerms, check_change
from models.training.schedule import WHOLE, Span, learning_rates
from tests.federated.blobs import Arrays

BEFORE = {"w": np.array([3.0, -4.0], np.float32)}
AFTER = {"w": np.array([2.5, -3.0], np.float32)}
EVERYONES = {"control/w": np.array([0.5, 40.0], np.float32)}


def terms(span: Span = WHOLE, **training: Any) -> ControlTerms:
    signature = control_signature(signature_of(BEFORE))
    return ControlTerms(signature, Training(batch_size=4, epochs=3, **training), span, "0" * 64)


def document(num_steps: int, num_examples: int = 10) -> UpdateDocument:
    return UpdateDocument(task="t", base="0" * 64, num_examples=num_examples, num_steps=num_steps)


def test_rates_add_up_to_those_of_the_steps_that_there_can_have_been() -> None:
    span = Span(0.25, 0.5)
    asked = terms(span, learning_rate=0.1, schedule=Schedule(kind="cosine"))
    # 10 examples in batches of 4 are 3 steps an epoch, 9 in all.
    rates = learning_rates(Schedule(kind="cosine"), 0.1, 9, span)
    assert asked.rate_sum(document(9)) == pytest.approx(float(rates.sum()))
    assert asked.rate_sum(document(3)) == pytest.approx(float(rates[:3].sum()))
    assert asked.rate_sum(document(10**12)) == pytest.approx(float(rates.sum()))
    assert asked.rate_sum(document(0)) == 0
    # Nobody's claim makes the master count to ten thousand million.
    many = asked.rate_sum(document(10**12, num_examples=4 * 10**6))
    assert many == pytest.approx(3 * 10**6 * float(rates.mean()), rel=0.01)


def change(rate_sum: float, factor: float = 1.0) -> Arrays:
    """What a site tells whose mean step is `factor` times as long as its weights say."""
    told = control_change(BEFORE, AFTER, EVERYONES, rate_sum)
    return Arrays(
        {name: factor * (array + EVERYONES[name]) - EVERYONES[name] for name, array in told.items()}
    )


def check(told: Arrays, num_steps: int) -> None:
    readers = (told, Arrays(AFTER), Arrays(BEFORE), Arrays(EVERYONES))
    check_change(terms(learning_rate=0.1), document(num_steps), *readers)


@pytest.mark.parametrize("factor", [0.0, 1.0, -1.0, 9.9])
def test_what_a_training_can_have_come_to_is_taken(factor: float) -> None:
    check(change(0.6, factor), num_steps=6)


@pytest.mark.parametrize("factor", [10.1, -10.1, 1e30])
def test_what_none_can_have_come_to_is_refused(factor: float) -> None:
    with pytest.raises(InvalidInput, match="do not fit the way"):
        check(change(0.6, factor), num_steps=6)


def test_without_a_step_nothing_has_changed() -> None:
    check(Arrays({"control/w": np.zeros(2, np.float32)}), num_steps=0)
    with pytest.raises(InvalidInput, match=r"norm 0 at most. Received 0\.1"):
        check(Arrays({"control/w": np.array([0.1, 0], np.float32)}), num_steps=0)
