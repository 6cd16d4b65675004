"""The accuracy that a node claims against the one that the master has measured."""

from __future__ import annotations

import math
from collections.abc import Mapping

from federated.plan import AuditPolicy
from federated.split import training_count
from federated.wire import UpdateDocument
from master.audit.finding import Finding, Weight
from master.audit.mixture import Mixed

STANDARD_ERRORS = 3.0


NO_PICTURES = "no picture of its own is left that it could have measured on"


def judging_count(counts: Mapping[str, int], fraction: float, num_examples: int) -> int:
    """Pictures that a site can have measured on at least, where it trained as the plan says.

    Args:
        counts: Labelled pictures that it has announced, by class.
        fraction: The plan's share of them that only judge.
        num_examples: Those that it has trained on.
    """
    announced = sum(counts.values())
    kept = announced - training_count(counts, fraction)
    return max(0, min(kept, announced - num_examples))


def check_claim(
    document: UpdateDocument,
    measured: Mapping[str, float],
    policy: AuditPolicy,
    judging: int | None = None,
    own: Mixed | None = None,
) -> Finding:
    """Whether the claim lies above the measurement by more than chance and odd pictures make.

    Args:
        document: What the node says about its update.
        measured: The master's figures: `accuracy` and `num_examples` at least.
        policy: How much more may be claimed, and what follows from more.
        judging: Pictures that the node has measured on at least, whatever it says: a claim that
            tells of few or none would pass however high. None where nothing is known of them.
        own: The accuracy on audit pictures that are mixed as the node's classes are: with it the
            claim is compared, where there is one, for a node of one class is right about it.
    """
    found, pictures = measured["accuracy"], measured["num_examples"]
    shown = f"{found:.1%} on {pictures:.0f} audit pictures"
    if own is not None:
        found, pictures = own.mean, own.pictures
        shown = f"{shown}, {found:.1%} mixed like the site's classes"
    claimed = document.metrics.get("val_accuracy")
    if claimed is None:
        return Finding(f"Accuracy {shown}; the site claims none of its own.")
    told = document.metrics.get("val_examples", 0.0)
    if judging == 0 and told < 1:
        return Finding(
            f"Accuracy {shown}; of the {claimed:.1%} that the site claims nothing can be "
            f"said: {NO_PICTURES}.",
            Weight.UNCHECKED,
        )
    examples = max(1.0, told, judging or 0)
    gap = policy.max_accuracy_gap
    allowed = gap + STANDARD_ERRORS * standard_error(found, pictures, examples, gap)
    claim = f"{claimed:.1%} on {examples:.0f} of its own"
    if claimed - found <= allowed:
        # Where even a perfect score would pass, the comparison has said nothing.
        verdict = "which fits" if found + allowed < 1 else "too few pictures to contradict that"
        return Finding(f"Accuracy {shown}; the site claims {claim}: {verdict}.")
    over = f"Accuracy {shown}, but the site claims {claim}: over {allowed:.1%} more"
    if policy.on_gap == "reject":
        return Finding(f"{over}.", Weight.WRONG)
    why = "It counts and its site is watched: the pictures there may be easier."
    return Finding(f"{over}. {why}", Weight.NOTED)


def standard_error(accuracy: float, pictures: float, examples: float, easier: float = 0.0) -> float:
    """Standard error of the difference between two measured accuracies.

    The accuracy that the master measured is smoothed by the rule of succession, so that a lucky
    100 % on two pictures does not look certain. The node's is taken to lie above it by all that
    is allowed: near 100 % chance makes less of a difference.

    Args:
        accuracy: Measured by the master, 0 to 1.
        pictures: Pictures that it measured on.
        examples: Pictures that the node measured on.
        easier: By how much more the node's pictures may be got right, 0 to 1.
    """
    smoothed = (accuracy * pictures + 1) / (pictures + 2)
    there = min(smoothed + easier, 1.0)
    own, other = smoothed * (1 - smoothed) / max(pictures, 1), there * (1 - there) / examples
    return math.sqrt(own + other)
