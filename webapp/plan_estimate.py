"""How long a run may take and how much it sends, from what the master has measured before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from federated.plan import Plan
from federated.strategies import asynchronous
from federated.views import CurrentModel, NodeView


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run may come to; None where nothing is known to tell it from.

    Attributes:
        seconds: Training and travelling, all rounds together.
        nbytes: Sent to and from all sites together.
    """

    seconds: float | None
    nbytes: int | None


def estimate(
    plan: Plan, study: str, current: CurrentModel | None, sites: Sequence[NodeView]
) -> Estimate:
    """The time and the traffic of a run.

    Args:
        plan: The plan.
        study: The study's id.
        current: The study's current model, where the plan's is the same; else None.
        sites: Sites that would take part.
    """
    if current is None or not sites:
        return Estimate(None, None)
    updates = plan.rounds * _updates(plan, len(sites))
    nbytes = 2 * updates * current.nbytes + len(sites) * current.frozen_nbytes
    return Estimate(_seconds(plan, study, sites), nbytes)


def _updates(plan: Plan, sites: int) -> int:
    """Updates that a round takes."""
    mode = asynchronous(plan.strategy)
    return plan.sampling.size(sites) if mode is None else mode.buffer


def _seconds(plan: Plan, study: str, sites: Sequence[NodeView]) -> float | None:
    spans = [_span(plan, study, site) for site in sites]
    known = [span for span in spans if span is not None]
    if len(known) < len(spans):
        return None
    mode = asynchronous(plan.strategy)
    if mode is None:
        # A round waits for its slowest site.
        return plan.rounds * max(known)
    rate = sum(1 / span for span in known if span > 0)
    return plan.rounds * mode.buffer / rate if rate else 0.0


def _span(plan: Plan, study: str, site: NodeView) -> float | None:
    """Seconds that a site takes for one update; None where its speed or its work is unknown."""
    if not site.examples_per_second or plan.data.kind == "batches":
        return None
    if plan.data.kind == "random":
        pictures = float(plan.data.images)
    else:
        share = 1 - plan.training.validation_fraction
        pictures = sum(site.studies.get(study, {}).values()) * share
    return pictures * plan.most_epochs / site.examples_per_second
