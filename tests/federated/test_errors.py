from federated.errors import InvalidInput


def test_no_part_of_an_error_is_longer_than_a_reader_bears() -> None:
    error = InvalidInput("p" * 10**6, expected="e" * 10**6, received="r" * 10**6)
    assert len(error.detail) < 1500
    assert str(error) == error.detail
    assert error.detail.endswith("rr….")


def test_short_parts_stay_as_they_are() -> None:
    error = InvalidInput("It is wrong", expected="right", received=7)
    assert error.detail == "It is wrong. Expected right. Received 7."
