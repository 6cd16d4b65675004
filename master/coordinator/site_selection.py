"""Which sites take part in a round, and why the others do not. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from federated.plan import Plan
from federated.split import training_count
from federated.states import NodeState
from federated.views import ExcludedNode
from master.store.nodes import Site


def choose(sites: Iterable[Site], plan: Plan) -> tuple[list[Site], list[ExcludedNode]]:
    """The sites that take part under a plan, and the reason of each of the others."""
    chosen: list[Site] = []
    excluded: list[ExcludedNode] = []
    for site in sites:
        reason = objection(site, plan)
        if reason is None:
            chosen.append(site)
        else:
            excluded.append(ExcludedNode(node=site.id, node_name=site.name, reason=reason))
    return chosen, excluded


def objection(site: Site, plan: Plan) -> str | None:
    """Why a site cannot take part, as words; None if it can."""
    if site.state == NodeState.PENDING:
        return "not approved yet"
    if site.state == NodeState.SUSPENDED:
        return "suspended by the operator"
    if not site.reachable:
        return "not reachable at the moment"
    return None if plan.data.kind != "own" else _objection_to_pictures(site, plan)


def _objection_to_pictures(site: Site, plan: Plan) -> str | None:
    needed = plan.privacy.min_examples
    training = training_count(site.counts, plan.training.validation_fraction)
    # Those that judge hide nobody: an update shows only what it was trained on.
    if training < needed:
        return (
            f"too few labelled pictures: {site.labelled}, of which {training} would train; "
            f"at least {needed} must"
        )
    if plan.trigger.kind == "upload" and not site.new_labelled:
        return "no new labelled pictures"
    return None


def reasons(excluded: Iterable[ExcludedNode]) -> str:
    """The reasons of all excluded sites in one line."""
    return (
        "; ".join(f"{node.node_name}: {node.reason}" for node in excluded) or "no site has joined"
    )
