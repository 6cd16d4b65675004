"""The end of a round as a table: what is known of its answers, and what becomes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from master.coordinator.round_end import (
    Answers,
    AwaitVerdicts,
    Close,
    Extend,
    Fail,
    Terms,
    Verdict,
    Wait,
    verdict_on,
)

DEADLINE = 100.0
BEFORE, AFTER = 99.0, 100.0

# Five nodes, three of whom make the quorum.
ALL = Terms(quorum=3, target=5, deadline_at=DEADLINE)
QUICK = Terms(quorum=3, target=3, deadline_at=DEADLINE)
AGAIN = Terms(quorum=3, target=5, deadline_at=DEADLINE, extended=True)
PAUSED = Terms(quorum=3, target=5, deadline_at=DEADLINE, paused=True)


@pytest.mark.parametrize(
    ("terms", "answers", "now", "verdict"),
    [
        # Everybody has answered.
        (ALL, Answers(accepted=5), BEFORE, Close()),
        (ALL, Answers(accepted=4, coming=1), BEFORE, Wait()),
        (ALL, Answers(accepted=4, submitted=1), BEFORE, Wait()),
        (QUICK, Answers(accepted=3, coming=2), BEFORE, Close()),
        (QUICK, Answers(accepted=2, coming=3), BEFORE, Wait()),
        # Nobody else can answer.
        (ALL, Answers(accepted=3), BEFORE, Close()),
        (ALL, Answers(accepted=2), BEFORE, Extend()),
        (AGAIN, Answers(accepted=2), BEFORE, Fail()),
        # Those who are silent are waited for only where they are needed.
        (ALL, Answers(accepted=3, lost=2), BEFORE, Close()),
        (ALL, Answers(accepted=2, lost=3), BEFORE, Wait()),
        (AGAIN, Answers(accepted=2, lost=3), BEFORE, Wait()),
        (ALL, Answers(accepted=3, coming=1, lost=1), BEFORE, Wait()),
        (ALL, Answers(accepted=2, lost=3), AFTER, Extend()),
        # The deadline.
        (ALL, Answers(accepted=3, coming=2), AFTER, Close()),
        (ALL, Answers(accepted=2, coming=3), AFTER, Extend()),
        (AGAIN, Answers(accepted=2, coming=3), AFTER, Fail()),
        # What came in time is judged before the round ends, if that can make the quorum.
        (ALL, Answers(accepted=2, submitted=1, coming=2), AFTER, AwaitVerdicts()),
        (ALL, Answers(accepted=3, submitted=1, coming=1), AFTER, AwaitVerdicts()),
        (ALL, Answers(accepted=1, submitted=1, coming=3), AFTER, Extend()),
        (AGAIN, Answers(accepted=1, submitted=1, coming=3), AFTER, Fail()),
        # A paused asynchronous run counts what comes, and does nothing else.
        (PAUSED, Answers(accepted=5), BEFORE, Close()),
        (PAUSED, Answers(accepted=4), AFTER, Wait()),
        (PAUSED, Answers(accepted=0), AFTER, Wait()),
    ],
)
def test_what_becomes_of_a_round(
    terms: Terms, answers: Answers, now: float, verdict: Verdict
) -> None:
    assert verdict_on(answers, terms, now) == verdict


counts = st.integers(0, 6)


@given(
    answers=st.builds(Answers, counts, counts, counts, counts),
    quorum=st.integers(1, 6),
    more=st.integers(0, 6),
    extended=st.booleans(),
    late=st.booleans(),
)
def test_no_round_closes_below_its_quorum_or_fails_with_it(
    answers: Answers, quorum: int, more: int, extended: bool, late: bool
) -> None:
    terms = Terms(quorum, quorum + more, DEADLINE, extended)
    verdict = verdict_on(answers, terms, AFTER if late else BEFORE)
    if isinstance(verdict, Close):
        assert answers.accepted >= quorum
    if isinstance(verdict, Extend | Fail):
        assert answers.accepted < quorum
        assert isinstance(verdict, Fail) is extended
    if late and not answers.submitted:
        assert not isinstance(verdict, Wait | AwaitVerdicts)
