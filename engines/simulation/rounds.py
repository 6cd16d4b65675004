"""The rounds of one simulated run, one after the other; the sites of a round side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from child.local_controls import LocalControls
from child.local_statistics import LocalStatistics
from child.worker_messages import TrainingRequest
from engines.simulation.kept_state import KeptState
from engines.simulation.search import (
    AuditPart,
    goes_by_scores,
    scores,
    trials_of,
    with_proposals,
)
from engines.simulation.site import SimulatedSite
from engines.simulation.workers import Workers
from federated.errors import NotEnoughUpdates
from federated.messages import ModelBlobs, Progress, Task
from federated.plan import Plan
from federated.signature import Signature
from federated.strategies import Contribution, RoundFacts, needed_updates, strategy
from federated.study import Study
from federated.views import ExcludedNode
from federated.wire import (
    ExtraReader,
    UpdateDocument,
    UpdateReader,
    encode_weights,
    read_update_document,
)
from master.coordinator.assignment import Slot, draw, slots_of
from master.coordinator.site_selection import choose, reasons
from master.search.trials import Trial
from master.store.nodes import Site
from serving.blobs import BlobStore, StoredTensors, open_blob
from serving.worker import Json, WorkerFailed

RUN = "simulation"

DIVERGED = "training_diverged"
"""Code of a training whose loss is no longer a number."""

OnSeen = Callable[[int], object]
"""Hears how many pictures were trained on since it was last called."""


@dataclass(frozen=True, slots=True)
class Laboratory:
    """Where plans are simulated.

    Attributes:
        study: The classification problem.
        pixels: The array file of all pictures.
        workers: Do the work.
        folder: For weights and updates.
        pretrained: Folder of the weights that plans may name.
    """

    study: Study
    pixels: Path
    workers: Workers
    folder: Path
    pretrained: Path

    def site_folder(self, name: str) -> Path:
        """Where a site keeps what its child would."""
        place = self.folder / "sites" / name
        place.mkdir(parents=True, exist_ok=True)
        return place

    def statistics_of(self, name: str) -> LocalStatistics:
        """BatchNorm's statistics that a site keeps to itself."""
        place = self.site_folder(name) / "own"
        place.mkdir(exist_ok=True)
        return LocalStatistics(place)

    def controls_of(self, name: str) -> LocalControls:
        """Control variates that a site keeps to itself."""
        place = self.site_folder(name) / "controls"
        place.mkdir(exist_ok=True)
        return LocalControls(place)


@dataclass(frozen=True, slots=True)
class SimulatedUpdate:
    """What a site returned in a round.

    Attributes:
        node: The site.
        num_examples: Pictures that it trained on.
        metrics: Its own figures.
        share: The weight that its update had in the average.
    """

    node: str
    num_examples: int
    metrics: dict[str, float]
    share: float


@dataclass(frozen=True, slots=True)
class SimulatedRound:
    """One round.

    Attributes:
        number: From 1.
        weights_before: SHA-256 of the weights that it started from.
        weights_after: SHA-256 of those that it made.
        updates: In order of the sites' names.
    """

    number: int
    weights_before: str
    weights_after: str
    updates: tuple[SimulatedUpdate, ...]


@dataclass(frozen=True, slots=True)
class SimulatedRun:
    """A finished run.

    Attributes:
        rounds: By number.
        model: The last global model.
        trials: What a search has tried, in order.
    """

    rounds: tuple[SimulatedRound, ...]
    model: ModelBlobs
    trials: tuple[Trial, ...] = ()


@dataclass(frozen=True, slots=True)
class _Trained:
    """An update that is in: where it came from, what it says, its blob, and its accuracy."""

    node: str
    task: Task
    document: UpdateDocument
    sha256: str
    score: float | None = None


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
        self._blobs = BlobStore(laboratory.folder / "blobs")
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
                pool.submit(self._train, slot, self._task(slot, number, model)) for slot in slots
            ]
            answers = [task.result() for task in tasks]
        trained = self._scored(model, [one for one in answers if one is not None])
        self._trials += trials_of(slots, number, {one.node: one.score for one in trained})
        before = model.weights
        facts = RoundFacts(
            number=number,
            signature=model.signature,
            previous=StoredTensors(self._blobs.path(before)),
            contributions=tuple(self._contribution(one, before) for one in trained),
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

    def _scored(self, model: ModelBlobs, trained: Sequence[_Trained]) -> list[_Trained]:
        """The updates with their accuracy on the audit pictures, where the plan goes by it."""
        if self._audit is None or not goes_by_scores(self._plan):
            return list(trained)
        laboratory, updates = self._laboratory, [one.sha256 for one in trained]
        study, pixels = laboratory.study, laboratory.pixels
        found = scores(
            laboratory.workers,
            study,
            self._plan,
            self._blobs,
            model,
            updates,
            pixels,
            self._audit,
        )
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

    def _train(self, slot: Slot, task: Task) -> _Trained | None:
        """The update of a site; None where what a search proposed has led nowhere.

        Raises:
            WorkerFailed: The training failed.
        """
        training, laboratory = task.training, self._laboratory
        train, validation = self._sites[slot.site.name].split(
            laboratory.study, training.validation_fraction, self._plan.seed
        )
        place = laboratory.site_folder(slot.site.name)
        kept, update = laboratory.statistics_of(slot.site.name), place / "update"
        controls = laboratory.controls_of(slot.site.name)
        keeps_own = self._plan.strategy.batch_norm == "local"
        computes = self._plan.model.trained == "features"
        request = TrainingRequest(
            task=task,
            weights=self._blobs.path(task.weights),
            frozen=self._blobs.path(task.frozen) if task.frozen else None,
            own_statistics=kept.of_run(task.run) if keeps_own else None,
            pixels=laboratory.pixels,
            features=place / "features.f32" if computes else None,
            train=train,
            validation=validation,
            least=self._plan.privacy.min_examples,
            update=update,
            statistics=place / "statistics",
            control=self._blobs.path(task.control) if task.control else None,
            own_control=controls.of_task(task.run, task.counted),
            new_control=controls.place(task.run, task.id),
        )
        seen = _Seen(len(train.rows), training.epochs, self._on_seen)
        try:
            laboratory.workers.call("train", request.model_dump(mode="json"), seen.hear)
        except WorkerFailed as error:
            if task.hyperparameters is None or error.code != DIVERGED:
                raise
            return None
        finally:
            seen.finish()
        kept.keep(task.run, request.statistics)
        with open_blob(update) as blob:
            document = read_update_document(blob)
        return _Trained(slot.site.name, task, document, self._blobs.adopt(update).sha256)

    def _contribution(self, trained: _Trained, before: str) -> Contribution:
        document = trained.document
        tensors = StoredTensors(self._blobs.path(trained.sha256))
        return Contribution(
            node=trained.node,
            num_examples=document.num_examples,
            num_steps=document.num_steps,
            weights=UpdateReader(tensors, document, StoredTensors(self._blobs.path(before))),
            extra=ExtraReader(tensors),
            score=trained.score,
            training=trained.task.training,
        )


class _Seen:
    """Turns a trainer's progress into pictures seen.

    Args:
        num_examples: Pictures of one epoch.
        epochs: Epochs of the task.
        on_seen: Hears of the difference.
    """

    def __init__(self, num_examples: int, epochs: int, on_seen: OnSeen) -> None:
        self._num_examples = num_examples
        self._total = num_examples * epochs
        self._on_seen = on_seen
        self._told = 0

    def hear(self, event: Json) -> None:
        """Takes one report of the trainer."""
        progress = Progress.model_validate(event)
        part = progress.step / progress.steps if progress.steps else 0.0
        self._tell(int((max(progress.epoch, 1) - 1 + part) * self._num_examples))

    def finish(self) -> None:
        """The task is done, even where it ended early."""
        self._tell(self._total)

    def _tell(self, seen: int) -> None:
        self._on_seen(seen - self._told)
        self._told = seen


def _told(trained: Sequence[_Trained], shares: dict[str, float]) -> tuple[SimulatedUpdate, ...]:
    return tuple(
        SimulatedUpdate(
            one.node, one.document.num_examples, one.document.metrics, shares.get(one.node, 0.0)
        )
        for one in sorted(trained, key=lambda one: one.node)
    )
