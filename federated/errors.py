"""The errors of a federation: families that say what kind of wrong, sentences that say why.

Every sentence has three parts: what is wrong, what was expected, what was received.
The families are mapped to HTTP statuses in one place, `serving/errors.py`.
"""

from __future__ import annotations

from collections.abc import Iterable

LONGEST_PROBLEM = 1000
"""Characters of a problem: our own words, which may give several sites' reasons."""

LONGEST_PART = 200
"""Characters of what was expected or received: often a stranger's words."""

MOST_REASONS = 50
LONGEST_REASON = 300
"""Characters of one reason of several; strangers' words are among them too."""


class FederationError(Exception):
    """Root of every error that this project raises on purpose.

    Args:
        problem: What is wrong, as a sentence without a full stop.
        expected: What was expected instead, if that can be said.
        received: What was received, if it may be shown to whoever asked.
        code: Machine-readable word in snake case; each family has a default.
        reasons: Where several things are wrong at once: each as a phrase or a sentence.
    """

    code = "federation_error"

    def __init__(
        self,
        problem: str,
        *,
        expected: str | None = None,
        received: object = None,
        code: str | None = None,
        reasons: Iterable[str] = (),
    ) -> None:
        """Keeps the three parts, none of any length; see the class docstring."""
        # They end in databases, CSV files and browsers, and strangers' words are among them.
        self.problem = cut(problem, LONGEST_PROBLEM)
        self.expected = None if expected is None else cut(expected, LONGEST_PART)
        self.received = None if received is None else cut(str(received), LONGEST_PART)
        self.code = code or type(self).code
        self.reasons = as_sentences(tuple(reasons))
        super().__init__(self.detail)

    @property
    def detail(self) -> str:
        """The three parts as one readable line, all reasons among them."""
        sentences = [f"{self.problem}.", *self.reasons]
        if self.expected is not None:
            sentences.append(f"Expected {self.expected}.")
        if self.received is not None:
            sentences.append(f"Received {self.received}.")
        return " ".join(sentences)


def cut(words: str, longest: int) -> str:
    """At most `longest` characters; an ellipsis tells that there were more."""
    return words if len(words) <= longest else words[: longest - 1] + "…"


def plain(words: str) -> str:
    """Words on one line, without what moves a terminal or cannot be seen."""
    shown = (character if character.isprintable() else " " for character in words)
    return " ".join("".join(shown).split())


def as_sentences(reasons: tuple[str, ...]) -> tuple[str, ...]:
    """Reasons as sentences, of which each and all together are short enough for a reader."""
    shown = reasons if len(reasons) <= MOST_REASONS else reasons[: MOST_REASONS - 1]
    more = len(reasons) - len(shown)
    ends = (f"There are {more} more reasons.",) if more else ()
    return tuple(f"{cut(plain(reason).rstrip('.'), LONGEST_REASON)}." for reason in shown) + ends


class InvalidInput(FederationError):
    """What was sent cannot be accepted as it is, however often it is sent."""

    code = "invalid_input"


class ImpossiblePlan(InvalidInput):
    """A plan that can never be carried out as it is; the error names every reason at once.

    Args:
        reasons: At least one.
    """

    code = "impossible_plan"

    def __init__(self, reasons: Iterable[str]) -> None:
        """See the class docstring."""
        super().__init__("This plan cannot be carried out", reasons=reasons)


class BrokenTransport(FederationError):
    """What was sent did not arrive whole; sending it again is right."""

    code = "broken_transport"


class TooLarge(InvalidInput):
    """What was sent, or what it says that it unpacks to, is over a limit."""

    code = "too_large"


class NotFound(FederationError):
    """There is no such thing, or none that the caller may know of."""

    code = "not_found"


class Conflict(FederationError):
    """The call is fine in itself, but not in the state that things are in."""

    code = "conflict"


class NotAuthenticated(FederationError):
    """The caller did not show a token that this server knows."""

    code = "not_authenticated"


class NotAllowed(FederationError):
    """The caller's token is known, but its role may not do this."""

    code = "not_allowed"


class Unavailable(FederationError):
    """Something that the call needs is away for now; trying again later is right."""

    code = "unavailable"


class StorageFailure(FederationError):
    """The disk or the database refused; nothing was kept of what was sent."""

    code = "storage_failure"


class ShapeMismatch(InvalidInput):
    """Tensors do not have the names, shapes and dtypes of the signature."""

    code = "signature_mismatch"


class NotEnoughUpdates(FederationError):
    """There is nothing, or too little, to average."""

    code = "not_enough_updates"
