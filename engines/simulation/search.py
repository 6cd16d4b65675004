"""A search in a simulation: proposals for slots, scores of updates, trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engines.simulation.laboratory import Laboratory
from federated.messages import ModelBlobs
from federated.plan import Plan
from federated.search import TrialState
from master.coordinator.assignment import Slot
from master.search.proposals import proposals
from master.search.trials import Trial


@dataclass(frozen=True, slots=True)
class AuditPart:
    """Pictures that judge models.

    Attributes:
        rows: Rows of the laboratory's array file.
        labels: Their class indices.
    """

    rows: Sequence[int]
    labels: Sequence[int]


def goes_by_scores(plan: Plan) -> bool:
    """Whether the plan asks for the accuracy of each update on audit pictures."""
    return plan.search is not None or plan.strategy.name == "best_k"


def with_proposals(
    slots: Sequence[Slot], plan: Plan, number: int, trials: Sequence[Trial]
) -> tuple[Slot, ...]:
    """The slots of a round with what each is trained with, as the master would propose."""
    if plan.search is None:
        return tuple(slots)
    ordered = sorted(slots, key=lambda slot: slot.site.name)
    proposed = proposals(plan, number, trials, len(ordered))
    pairs = zip(ordered, proposed, strict=True)
    return tuple(replace(slot, hyperparameters=own) for slot, own in pairs)


def scores(
    laboratory: Laboratory,
    plan: Plan,
    model: ModelBlobs,
    updates: Sequence[str],
    audit: AuditPart,
) -> list[float | None]:
    """The accuracy of each update on the audit pictures; None where it computes no numbers.

    Args:
        laboratory: Where weights and updates lie; one of its workers measures.
        plan: Names the architecture.
        model: What the updates began from.
        updates: Their hashes.
        audit: The pictures.
    """
    blobs = laboratory.blobs
    each = {
        "study": laboratory.study.model_dump(mode="json"),
        "model": plan.model.model_dump(mode="json"),
        "base": str(blobs.path(model.weights)),
        "frozen": str(blobs.path(model.frozen)) if model.frozen else None,
    }
    answer = laboratory.workers.call(
        "accuracies",
        {
            "models": [each | {"weights": str(blobs.path(sha256))} for sha256 in updates],
            "pixels": str(laboratory.pixels),
            "rows": list(audit.rows),
            "labels": list(audit.labels),
        },
    )
    found: list[float | None] = answer["accuracies"]
    return found


def trials_of(
    slots: Sequence[Slot], number: int, scored: Mapping[str, float | None]
) -> list[Trial]:
    """What came of a round's proposals.

    Args:
        slots: The round's slots.
        number: The round's number.
        scored: The accuracy of each update, by its site's name.
    """
    found = []
    for slot in slots:
        if slot.hyperparameters is not None:
            score = scored.get(slot.site.name)
            state = TrialState.FAILED if score is None else TrialState.COMPLETE
            found.append(Trial(number, slot.hyperparameters, state, score))
    return found
