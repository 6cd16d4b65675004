"""Tests of answers that are shared."""

import pytest

from federated.values import Message
from webapp.api.connection import ApiError
from webapp.api.shared import parse_once


class Counted(Message):
    rounds: int


def test_the_same_answer_is_read_once() -> None:
    first, again = (parse_once(Counted, b'{"rounds": 7}') for _ in range(2))
    assert first.rounds == 7
    assert again is first
    assert parse_once(Counted, b'{"rounds": 8}').rounds == 8


def test_an_answer_that_is_not_as_agreed_is_never_taken_for_one_that_is() -> None:
    for _ in range(2):
        with pytest.raises(ApiError, match="rounds"):
            parse_once(Counted, b"{}")
