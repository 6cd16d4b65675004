"""When a round ends, and how: a pure decision over what is known of its answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answers:
    """How far the work of a round is; each piece of it is counted once.

    Attributes:
        accepted: Updates that count.
        submitted: Updates that wait for their verdict.
        coming: Tasks whose nodes are heard of.
        lost: Tasks whose nodes are silent, and may yet come back.
    """

    accepted: int
    submitted: int = 0
    coming: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """What a round was opened under.

    Attributes:
        quorum: Accepted updates without which it fails.
        target: Accepted updates with which it closes at once.
        deadline_at: When it closes with its quorum, or is extended.
        extended: Whether it has been.
        paused: Whether it is open for what comes, but its run is to do nothing of itself.
    """

    quorum: int
    target: int
    deadline_at: float
    extended: bool = False
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Something may still come."""


@dataclass(frozen=True, slots=True)
class AwaitVerdicts:
    """The deadline has passed; what came before it may make the quorum."""


@dataclass(frozen=True, slots=True)
class Close:
    """The accepted updates make the new model."""


@dataclass(frozen=True, slots=True)
class Extend:
    """The quorum is missed: once, the round gets its time again, and lost work is given out."""


@dataclass(frozen=True, slots=True)
class Fail:
    """The quorum is missed for good."""


Verdict = Wait | AwaitVerdicts | Close | Extend | Fail


def verdict_on(answers: Answers, terms: Terms, now: float) -> Verdict:
    """What is to become of a round.

    A node that has fallen silent holds up no round that has its quorum; below the quorum, it is
    waited for until the deadline, for it may only have lost its network.
    """
    if answers.accepted >= terms.target:
        return Close()
    if terms.paused:
        return Wait()
    in_reach = answers.accepted + answers.submitted >= terms.quorum
    if now < terms.deadline_at:
        below = answers.accepted < terms.quorum
        if answers.coming or answers.submitted or (answers.lost and below):
            return Wait()
    elif in_reach and answers.submitted:
        return AwaitVerdicts()
    if in_reach:
        return Close()
    return Fail() if terms.extended else Extend()
