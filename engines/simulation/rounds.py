"""The rounds of one simulated run, one after the other; the sites of a round side by side."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from engines.simulation.kept_state import KeptState
from engines.simulation.laboratory import Laboratory
from engines.simulation.search import (
    AuditPart,
    goes_by_scores,
    scores,
    trials_of,
    with_proposals,
)
from engines.simulation.simulated_run import SimulatedRound, SimulatedRun, SimulatedUpdate
from engines.simulation.site import SimulatedSite
from engines.simulation.site_training import OnSeen, Trained, contribution_of, train_at
from federated.errors import NotEnoughUpdates
from federated.messages import ModelBlobs, Task
from federated.plan import Plan
from federated.signature import Signature
from federated.strategies import RoundFacts, needed_updates, strategy
from federated.views import ExcludedNode
from federated.wire import encode_weights
from master.coordinator.assignment import Slot, draw, slots_of
from master.coordinator.site_selection import choose, reasons
from master.search.trials import Trial
from master.store.nodes import Site
from serving.blobs import StoredTensors

RUN = "simulation"


class Rounds:
    """A run under way.

    Args:
        laboratory: Where.
        plan: The plan.
        sites: Who takes part.
        on_seen: Hears of pictures as they are trained on.
        audit: The master's audit pictures, if it has any.
    """

    def __init__(
        self,
        laboratory: Laboratory,
        plan: Plan,
        sites: Sequence[SimulatedSite],
        on_seen: OnSeen,
        audit: AuditPart | None = None,
    ) -> None:
        self._audit = audit
        self._trials: list[Trial] = []
        self._laboratory = laboratory
        self._plan = plan
        self._sites = {site.name: site for site in sites}
        self._on_seen = on_seen
        self._blobs = laboratory.blobs
        self._kept = KeptState(plan.strategy, self._blobs)

    def run(self) -> SimulatedRun:
        """All rounds; see `engines.simulation.simulation.simulate`."""
        model = self._initial()
        made: list[SimulatedRound] = []
        for number in range(1, self._plan.rounds + 1):
            made.append(self._round(number, model))
            model = model.model_copy(update={"weights": made[-1].weights_after})
        return SimulatedRun(tuple(made), model, tuple(self._trials))

    def _initial(self) -> ModelBlobs:
        """The model that the master would begin with."""
        folder = self._laboratory.folder
        out, frozen_out = folder / "initial.safetensors", folder / "frozen.safetensors"
        answer = self._laboratory.workers.call(
            "initial_model",
            {
                "study": self._laboratory.study.model_dump(mode="json"),
                "model": self._plan.model.model_dump(mode="json"),
                "seed": self._plan.seed,
                "pretrained": str(self._laboratory.pretrained),
                "out": str(out),
                "frozen_out": str(frozen_out),
            },
        )
        frozen = answer["frozen"]
        return ModelBlobs(
            weights=self._blobs.adopt(out).sha256,
            signature=Signature.model_validate(answer["signature"]),
            frozen=self._blobs.adopt(frozen_out).sha256 if frozen else None,
            frozen_signature=Signature.model_validate(frozen) if frozen else None,
        )

    def _round(self, number: int, model: ModelBlobs) -> SimulatedRound:
        slots = self._slots(number)
        with ThreadPoolExecutor(len(slots)) as pool:
            tasks = [
                pool.submit(
                    train_at,
                    self._laboratory,
                    self._sites[slot.site.name],
                    self._task(slot, number, model),
                    self._on_seen,
                )
                for slot in slots
            ]
            answers = [task.result() for task in tasks]
        trained = self._scored(model, [one for one in answers if one is not None])
        self._trials += trials_of(slots, number, {one.node: one.score for one in trained})
        before = model.weights
        facts = RoundFacts(
            number=number,
            signature=model.signature,
            previous=StoredTensors(self._blobs.path(before)),
            contributions=tuple(contribution_of(one, self._blobs) for one in trained),
            settings=self._plan.strategy.settings,
            state=self._kept.arrays,
            nodes=len(self._able()[0]),
        )
        outcome = strategy(self._plan.strategy.name)(facts)
        after = self._blobs.put(encode_weights(outcome.weights))
        self._kept.close(outcome.state, ((one.node, one.task.id) for one in trained))
        for one in trained:
            self._blobs.delete(one.sha256)
        return SimulatedRound(number, before, after, _told(trained, outcome.shares))

    def _slots(self, number: int) -> tuple[Slot, ...]:
        """Who works in a round, as the master would choose.

        Raises:
            NotEnoughUpdates: Too few can.
        """
        able, excluded = self._able()
        drawn, _ = draw(able, self._plan, number)
        if len(drawn) < (needed := max(1, needed_updates(self._plan, len(drawn)))):
            raise NotEnoughUpdates(
                f"Round {number} has too few sites",
                expected=f"{needed}",
                received=f"{len(drawn)} ({reasons(excluded)})" if excluded else len(drawn),
            )
        slots = slots_of(self._plan, None, number, drawn)
        return with_proposals(slots, self._plan, number, self._trials)

    def _scored(self, model: ModelBlobs, trained: Sequence[Trained]) -> list[Trained]:
        """The updates with their accuracy on the audit pictures, where the plan goes by it."""
        if self._audit is None or not goes_by_scores(self._plan):
            return list(trained)
        updates = [one.sha256 for one in trained]
        found = scores(self._laboratory, self._plan, model, updates, self._audit)
        # What computes no numbers has no score, and no place in an average.
        pairs = zip(trained, found, strict=True)
        return [replace(one, score=score) for one, score in pairs if score is not None]

    def _able(self) -> tuple[list[Site], list[ExcludedNode]]:
        """The sites that could take part in a round, and the others."""
        nodes = sorted((site.node for site in self._sites.values()), key=lambda node: node.name)
        return choose(nodes, self._plan)

    def _task(self, slot: Slot, number: int, model: ModelBlobs) -> Task:
        return Task(
            id=f"{number}-{slot.site.name}"[:64],
            run=RUN,
            study=self._laboratory.study,
            plan=self._plan,
            round=number,
            base_round=number - 1,
            weights=model.weights,
            signature=model.signature,
            frozen=model.frozen,
            frozen_signature=model.frozen_signature,
            seed=slot.seed,
            hyperparameters=slot.hyperparameters,
            control=self._kept.control,
            counted=self._kept.counted(slot.site.name),
        )


def _told(trained: Sequence[Trained], shares: dict[str, float]) -> tuple[SimulatedUpdate, ...]:
    return tuple(
        SimulatedUpdate(
            one.node, one.document.num_examples, one.document.metrics, shares.get(one.node, 0.0)
        )
        for one in sorted(trained, key=lambda one: one.node)
    )
