"""Whether an update goes against the pictures that it was trained on.

Honest training raises the probability that a model gives to the right class, on pictures that
are mixed as the site's own are; its mirror image, as far from the round's first model on the
other side, lowers it. An update with its sign turned, or trained on wrong labels, does the
reverse. The two are compared picture by picture, so most of what makes a picture hard falls out;
and what too many epochs on too few pictures spoil, they spoil on both sides.

Probabilities and not losses are compared: one picture of which a model is sure, and wrong, would
else outweigh all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from federated.plan import AuditPolicy
from master.audit.finding import Finding, Weight
from master.audit.mixture import mixed

SUSPECT = 2.0
"""Standard errors by which an update has to lose against the round's first model before its
mirror image is looked at: that costs another measurement."""

NOTED = 0.75
"""Part of `AuditPolicy.mirror_deviations` from which the finding is noted."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Probabilities of the right class on the audit pictures, by three models.

    Attributes:
        labels: The class of each picture.
        start: By the round's first model: float (n,), 0 to 1.
        update: By the update.
        mirror: By the update's mirror image: what trains as far on the other side of the first
            model, and the update's own statistics; None as long as nobody has asked.
    """

    labels: tuple[str, ...]
    start: np.ndarray
    update: np.ndarray
    mirror: np.ndarray | None = None

    def with_mirror(self, mirror: np.ndarray) -> Answers:
        """The same with the mirror image's."""
        return replace(self, mirror=mirror)


def is_suspect(answers: Answers, counts: Mapping[str, int]) -> bool:
    """Whether an update loses so much on its site's own classes that the mirror is asked."""
    lost = mixed(answers.start - answers.update, answers.labels, counts)
    return lost is not None and lost.deviations > SUSPECT


def check_mirror(answers: Answers, counts: Mapping[str, int], policy: AuditPolicy) -> Finding:
    """Whether an update is good for the classes of its own site.

    Args:
        answers: Of the update and those that it is compared with.
        counts: Pictures that the site has announced, by class.
        policy: `mirror_deviations` and `mirror_size`.
    """
    lost = mixed(answers.start - answers.update, answers.labels, counts)
    if lost is None:
        lack = "most of its pictures are of classes that the audit pictures lack"
        why = lack if counts else "which these are nobody has told"
        return Finding(f"Not checked what it does for its own classes: {why}.", Weight.UNCHECKED)
    change = f"{-lost.mean:+.3f}"
    shown = f"On the site's own classes it changes the right class's probability by {change}"
    if answers.mirror is None or lost.deviations <= SUSPECT:
        return Finding(f"{shown}.")
    behind = mixed(answers.mirror - answers.update, answers.labels, counts)
    if behind is None or behind.deviations <= NOTED * policy.mirror_deviations:
        return Finding(f"{shown}: little, or its opposite would be no better.")
    why = f"its exact opposite would do better by {behind.mean:.3f}"
    shown = f"{shown}, and {why} ({behind.deviations:.1f} standard errors)"
    if behind.deviations > policy.mirror_deviations and behind.size > policy.mirror_size:
        return Finding(f"{shown}: it goes against what the site says to have.", Weight.WRONG)
    return Finding(f"{shown}. Noted only: chance could do that.", Weight.NOTED)
