from federated.errors import (
    LONGEST_REASON,
    MOST_REASONS,
    Conflict,
    ImpossiblePlan,
    InvalidInput,
    plain,
)


def test_no_part_of_an_error_is_longer_than_a_reader_bears() -> None:
    error = InvalidInput("p" * 10**6, expected="e" * 10**6, received="r" * 10**6)
    assert len(error.detail) < 1500
    assert str(error) == error.detail
    assert error.detail.endswith("rr….")


def test_short_parts_stay_as_they_are() -> None:
    error = InvalidInput("It is wrong", expected="right", received=7)
    assert error.detail == "It is wrong. Expected right. Received 7."


def test_an_impossible_plan_names_every_reason() -> None:
    error = ImpossiblePlan(["There are two sites, and three must answer", "No such model."])
    assert error.code == "impossible_plan"
    assert error.reasons == ("There are two sites, and three must answer.", "No such model.")
    assert error.detail == (
        "This plan cannot be carried out. There are two sites, and three must answer. "
        "No such model."
    )
    assert str(error) == error.detail


def test_reasons_stand_before_what_was_expected_and_received() -> None:
    error = Conflict("No site", expected="two", received=1, reasons=["clinic-a: away"])
    assert error.detail == "No site. clinic-a: away. Expected two. Received 1."
    assert InvalidInput("It is wrong").reasons == ()


def test_neither_one_reason_nor_their_number_is_without_end() -> None:
    error = ImpossiblePlan([f"{number} " + "r" * 10**5 for number in range(1000)])
    assert len(error.reasons) == MOST_REASONS
    assert error.reasons[-1] == "There are 951 more reasons."
    assert max(len(reason) for reason in error.reasons) == LONGEST_REASON + 1
    assert len(ImpossiblePlan(["short"] * MOST_REASONS).reasons) == MOST_REASONS


def test_a_strangers_words_stay_on_one_line_and_move_no_terminal() -> None:
    words = "one\r\ntwo\x1b[2J\u202ethree\u200b \t four\x00"
    assert plain(words) == "one two [2J three four"
    assert ImpossiblePlan([words]).reasons == ("one two [2J three four.",)
