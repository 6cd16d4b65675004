"""Whether a plan can be run: every reason against it, before anything starts.

What can never work is told apart from what only does not work now. Both are listed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from federated.errors import Conflict, FederationError, ImpossiblePlan
from federated.plan import OwnPictures, Plan
from federated.states import NodeState
from federated.study import Study
from federated.views import ExcludedNode
from imaging.batch_index import BatchIndex
from imaging.batch_server import Patience, read_index
from master.coordinator.site_selection import choose
from master.plan_faults import (
    drawn_of,
    faults_of_batches,
    faults_of_choices,
    faults_of_numbers,
    faults_without_audit,
    needed_of,
)
from master.pretrained import faults_of_weights
from master.store.nodes import Site
from master.store.run_batches import KeptIndex

ReadIndex = Callable[[str], tuple[BatchIndex, str]]
"""Reads the index at an address, with the SHA-256 of its bytes."""

READ_PROMPTLY: ReadIndex = partial(
    # Somebody waits in front of a browser.
    read_index,
    patience=Patience(silence_seconds=4.0, total_seconds=8.0, pauses=()),
    # The keys are the operator's, and the operator it is who asks.
    keys=True,
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check of a plan came to.

    Attributes:
        impossible: Why it can never be run as it is.
        lacking: Why it cannot be run now, the shortest word for it first.
        chosen: Sites that could take part now.
        excluded: The others, each with its reason.
        needed: Updates that a round with the chosen sites needs.
        kept: The index of the public pictures, where the plan has some.
    """

    impossible: tuple[str, ...]
    lacking: tuple[str, ...]
    chosen: tuple[Site, ...]
    excluded: tuple[ExcludedNode, ...]
    needed: int
    kept: KeptIndex | None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Everything for which a run would be refused."""
        return self.impossible + self.lacking

    def require_possible(self) -> None:
        """Refuses a plan that cannot be run.

        Raises:
            ImpossiblePlan: It can never be run as it is.
            Conflict: It cannot be run now, for too few sites can take part.
        """
        if self.impossible:
            raise ImpossiblePlan(self.reasons)
        if self.lacking:
            raise Conflict(
                self.lacking[0],
                expected=f"at least {self.needed}",
                received=len(self.chosen),
                code="no_sites",
                reasons=self.lacking[1:],
            )


def check(
    plan: Plan,
    study: Study,
    sites: Sequence[Site],
    *,
    pretrained: Path,
    read: ReadIndex = READ_PROMPTLY,
    has_audit: bool = True,
) -> Checked:
    """Checks a plan whole. Reads the index of the batches: not for inside a transaction.

    Args:
        plan: The plan; it may come from a stranger.
        study: What it is to be run on.
        sites: All sites that have joined, as the study sees them.
        pretrained: Folder of the weights that a plan may name.
        read: Reads the index of the batches.
        has_audit: Whether the master has audit pictures of the study.
    """
    kept, unread = _read(plan, read)
    chosen, excluded = choose(sites, plan)
    batches = len(kept.index.batches) if kept and plan.data.kind == "batches" else None
    approved = sum(site.state == NodeState.ACTIVE for site in sites)
    faults = [
        *faults_of_choices(plan, study),
        *faults_of_weights(plan.model, pretrained),
        *unread,
        *(() if has_audit else faults_without_audit(plan)),
    ]
    if approved:
        # Where nobody may take part yet, that alone is told: more will come.
        faults += faults_of_numbers(plan, approved, batches)
    if kept is not None:
        faults += faults_of_batches(plan, study, kept.index)
    drawn = drawn_of(plan, len(chosen))
    needed = needed_of(plan, drawn)
    waits = plan.trigger.kind == "upload"
    return Checked(
        impossible=tuple(faults),
        lacking=() if waits or drawn >= needed else _lacking(drawn, needed, excluded),
        chosen=tuple(chosen),
        excluded=tuple(excluded),
        needed=needed,
        kept=kept,
    )


def _read(plan: Plan, read: ReadIndex) -> tuple[KeptIndex | None, tuple[str, ...]]:
    """The index of the batches, or why it cannot be had."""
    if isinstance(plan.data, OwnPictures):
        return None, ()
    try:
        index, sha256 = read(plan.data.url)
    except FederationError as error:
        return None, (f"The batches at {plan.data.url} cannot be read: {error.detail}",)
    return KeptIndex(sha256, index), ()


def _lacking(drawn: int, needed: int, excluded: Sequence[ExcludedNode]) -> tuple[str, ...]:
    """Why too few sites can take part now."""
    why = tuple(f"{node.node_name}: {node.reason}" for node in excluded)
    if drawn:
        few = f"a round would have {drawn} of the {needed} it needs"
        return (f"Too few sites can take part now: {few}", *why)
    return ("No site can take part now", *(why or ("No site has joined",)))
