"""Control variates against the weights that they came with."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from federated.control import control_change, control_signature
from federated.errors import InvalidInput
from federated.signature import signature_of
from federated.training import EarlyStopping, Schedule, Training
from federated.wire import Encoding, UpdateDocument
from master.control_check import ControlTerms, check_change
from models.training.schedule import WHOLE, Span, learning_rates
from tests.federated.blobs import Arrays

BEFORE = {"w": np.array([3.0, -4.0], np.float32)}
AFTER = {"w": np.array([2.5, -3.0], np.float32)}
STOP = EarlyStopping()
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
    assert asked.rate_sum(document(3)) == pytest.approx(float(rates.sum()))
    assert asked.rate_sum(document(10**12)) == pytest.approx(float(rates.sum()))
    early = replace(asked, training=asked.training.model_copy(update={"early_stopping": STOP}))
    assert early.rate_sum(document(6)) == pytest.approx(float(rates[:6].sum()))
    assert early.rate_sum(document(1)) == pytest.approx(float(rates[:3].sum()))
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


def check(told: Arrays, num_steps: int, encoding: Encoding = "float32") -> None:
    readers = (told, Arrays(AFTER), Arrays(BEFORE), Arrays(EVERYONES))
    said = document(num_steps).model_copy(update={"encoding": encoding})
    check_change(terms(learning_rate=0.1), said, *readers)


@pytest.mark.parametrize("factor", [0.0, 1.0, -1.0, 9.9])
def test_what_a_training_can_have_come_to_is_taken(factor: float) -> None:
    check(change(0.9, factor), num_steps=9)


@pytest.mark.parametrize("factor", [10.1, -10.1, 1e30])
def test_what_none_can_have_come_to_is_refused(factor: float) -> None:
    with pytest.raises(InvalidInput, match="do not fit the way"):
        check(change(0.9, factor), num_steps=9)


def test_a_claim_of_few_steps_lets_no_more_through() -> None:
    # A single step of 0.1 would have made the mean step 9 times as long.
    check(change(0.9, 9.9), num_steps=1)
    with pytest.raises(InvalidInput, match="do not fit the way"):
        check(change(0.9, 10.1), num_steps=1)


@pytest.mark.parametrize("encoding", ["float16", "int8"])
def test_weights_that_were_rounded_are_refused(encoding: Encoding) -> None:
    with pytest.raises(InvalidInput, match="have to come unrounded") as raised:
        check(change(0.9), num_steps=9, encoding=encoding)
    assert raised.value.code == "lossy_encoding"


@pytest.mark.parametrize(("off", "is_taken"), [(5e-7, True), (2e-6, False)])
def test_without_a_gradient_a_rounding_of_c_is_allowed(off: float, is_taken: bool) -> None:
    large = {"control/w": np.array([3e3, -4e3])}
    told = Arrays({"control/w": -large["control/w"] * (1 + off)})
    readers = (told, Arrays(BEFORE), Arrays(BEFORE), Arrays(large))
    with nullcontext() if is_taken else pytest.raises(InvalidInput):
        check_change(terms(learning_rate=0.1), document(9), *readers)


def test_what_is_no_number_any_more_is_refused() -> None:
    far = Arrays({"w": np.array([1e200, 0.0])})
    told = Arrays({"control/w": np.array([1e200, 0.0])})
    with pytest.raises(InvalidInput):
        check_change(terms(), document(9), told, far, Arrays(BEFORE), Arrays(EVERYONES))


def test_without_a_step_nothing_has_changed() -> None:
    check(Arrays({"control/w": np.zeros(2, np.float32)}), num_steps=0)
    with pytest.raises(InvalidInput, match=r"norm 0 at most. Received 0\.1"):
        check(Arrays({"control/w": np.array([0.1, 0], np.float32)}), num_steps=0)
