"""Whether an update goes against the pictures that it was trained on.

Honest training lowers the error of a model's probabilities, on pictures that are mixed as the
site's own are; its mirror image, as far from the round's first model on the other side, raises
it. An update with its sign turned, or trained on wrong labels, does the
reverse. The two are compared picture by picture, so most of what makes a picture hard falls out;
and what too many epochs on too few pictures spoil, they spoil on both sides. Only what loses very
much is judged without its mirror image.

The error of a picture is the quadratic score of its probabilities. It is proper: a model that is
sure of the site's most frequent class, whatever the picture, does not look better than one that
has learnt, as it would by the probability of the right class alone. And it is bounded: one
picture of which a model is sure, and wrong, does not outweigh all others, as it would by the
cross-entropy.

References:
    G. W. Brier, "Verification of Forecasts Expressed in Terms of Probability", Monthly Weather
    Review 78, 1950.
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

FAIR_PART = 0.2
"""Share of a site's pictures from which a class of it counts as one that it has learnt."""

NOTED = 0.75
"""Part of `AuditPolicy.mirror_deviations` from which the finding is noted."""

FAR, LARGE = 1.5, 2.0
"""Times `mirror_deviations` and `mirror_size` by which an update has to lose against the round's
first model to be wrong whatever its mirror image does, for who turns an update can see to it that
the image is no better: by one unit that is never on, and overflows on the other side."""


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """Quadratic scores of the probabilities that three models give, on the audit pictures.

    Attributes:
        labels: The class of each picture.
        start: Of the round's first model: float (n,), 0 (sure and right) to 2 (sure and wrong).
        update: Of the update.
        mirror: Of the update's mirror image: what trains as far on the other side of the first
            model, and the update's own statistics; None as long as nobody has asked.
    """

    labels: tuple[str, ...]
    start: np.ndarray
    update: np.ndarray
    mirror: np.ndarray | None = None

    def with_mirror(self, mirror: np.ndarray) -> Errors:
        """The same with the mirror image's."""
        return replace(self, mirror=mirror)


def is_suspect(errors: Errors, counts: Mapping[str, int]) -> bool:
    """Whether an update loses so much on its site's own classes that the mirror is asked."""
    lost = mixed(errors.update - errors.start, errors.labels, counts)
    return lost is not None and lost.deviations > SUSPECT


def speaks_for(errors: Errors, counts: Mapping[str, int]) -> bool:
    """Whether what was measured makes the next update of this site more welcome.

    It does not where a site says to have classes that the audit pictures hardly have, which
    anybody may say; nor where the update loses on its own classes, whatever its mirror image
    does: one weight of which nobody makes use can spoil that.
    """
    lost = mixed(errors.update - errors.start, errors.labels, counts)
    return lost is not None and lost.deviations <= SUSPECT


def check_mirror(errors: Errors, counts: Mapping[str, int], policy: AuditPolicy) -> Finding:
    """Whether an update is good for the classes of its own site.

    A network that learns from scratch swings: after a few steps it names one class too often,
    after the next few another. Each swing does one class good and does great harm in the mean,
    as its opposite would not; the others' swings make up for it. An honest one cannot be told from
    one that was turned, so it is noted, and what else was found decides.

    Args:
        errors: Of the update and those that it is compared with.
        counts: Pictures that the site has announced, by class.
        policy: `mirror_deviations` and `mirror_size`.
    """
    found = _own_classes(errors, counts, policy)
    if found.weight is not Weight.WRONG or not _swings(errors, counts):
        return found
    why = "It counts and its site is watched: it does one of its classes good."
    return Finding(f"{found.sentence} {why}", Weight.NOTED)


def _swings(errors: Errors, counts: Mapping[str, int]) -> bool:
    """Whether an update does a class good that makes up a fair part of its site's pictures."""
    least = FAIR_PART * sum(counts.values())
    changes = errors.update - errors.start
    alone = [mixed(changes, errors.labels, {name: 1}) for name, n in counts.items() if n >= least]
    return any(one is not None and one.deviations < -SUSPECT for one in alone)


def _own_classes(errors: Errors, counts: Mapping[str, int], policy: AuditPolicy) -> Finding:
    lost = mixed(errors.update - errors.start, errors.labels, counts)
    if lost is None:
        lack = "too many of its pictures are of classes that the audit pictures hardly have"
        why = lack if counts else "which these are nobody has told"
        return Finding(f"Not checked what it does for its own classes: {why}.", Weight.UNCHECKED)
    shown = f"On the site's own classes it changes the error by {lost.mean:+.3f}"
    if lost.deviations <= SUSPECT:
        return Finding(f"{shown}.")
    beside = _beside_its_mirror(errors, counts, policy, shown)
    is_far = lost.deviations > FAR * policy.mirror_deviations
    if beside.weight is Weight.WRONG or not is_far or lost.size <= LARGE * policy.mirror_size:
        return beside
    sure = f"{shown} ({lost.deviations:.1f} standard errors)"
    why = "it does great harm to what the site says to have, whatever its opposite would do"
    return Finding(f"{sure}: {why}.", Weight.WRONG)


def _beside_its_mirror(
    errors: Errors, counts: Mapping[str, int], policy: AuditPolicy, shown: str
) -> Finding:
    if errors.mirror is None:
        # Else one weight that overflows on the other side would be enough to go unchecked.
        why = "its opposite could not be measured"
        return Finding(f"{shown}, and {why}. It counts and its site is watched.", Weight.NOTED)
    behind = mixed(errors.update - errors.mirror, errors.labels, counts)
    if behind is None or behind.deviations <= NOTED * policy.mirror_deviations:
        return Finding(f"{shown}: little, or its opposite would be no better.")
    why = f"its exact opposite would do better by {behind.mean:.3f}"
    shown = f"{shown}, and {why} ({behind.deviations:.1f} standard errors)"
    if behind.deviations > policy.mirror_deviations and behind.size > policy.mirror_size:
        return Finding(f"{shown}: it goes against what the site says to have.", Weight.WRONG)
    return Finding(f"{shown}. Noted only: chance could do that.", Weight.NOTED)
