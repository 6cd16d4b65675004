"""The evaluation process as the master's server sees it: models built, measured and exported."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from federated.plan import ModelChoice, Plan
from federated.signature import Signature
from federated.study import Study
from master.store.pictures import LabelledRows
from serving.worker import Worker, WorkerDied, worker_environment


@dataclass(frozen=True, slots=True)
class EvaluatedModel:
    """A model to be measured or exported.

    Attributes:
        study: The classification problem.
        choice: The architecture.
        weights: The blob: global weights, or an update.
        base: The weights that an update starts from; None for global weights.
        frozen: The blob of the frozen part; None where the whole model travels.
        mirrored: Whether what an update has changed of what trains is to go the other way.
    """

    study: Study
    choice: ModelChoice
    weights: Path
    base: Path | None = None
    frozen: Path | None = None
    mirrored: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """What a model has made of some pictures.

    Attributes:
        report: `models.measures.Report` as JSON.
        scores: Quadratic score of each picture's probabilities, 0 to 2.
        hits: Whether the right class is the most probable one, for each.
    """

    report: dict[str, Any]
    scores: Sequence[float]
    hits: Sequence[bool]


@dataclass(frozen=True, slots=True)
class BuiltModel:
    """A model that was built afresh.

    Attributes:
        signature: Of the part that travels, which was written as a blob.
        frozen: Of the frozen part, which was written as another; None where there is none.
    """

    signature: Signature
    frozen: Signature | None = None


class Evaluator(Protocol):
    """What needs TensorFlow."""

    def initial_model(self, study: Study, plan: Plan, out: Path, frozen_out: Path) -> BuiltModel:
        """Builds a fresh model from the plan's seed, and from pretrained weights if it names some.

        Its weights are written as a blob to `out`, its frozen part, if any, to `frozen_out`.
        """

    def report(
        self,
        model: EvaluatedModel,
        pixels: Path,
        examples: LabelledRows,
        *,
        intervals: bool = False,
    ) -> dict[str, Any]:
        """Figures of a model on some rows of an array file: `models.measures.Report` as JSON.

        With `intervals` also how sure they are, which costs many times as much.
        """

    def answered(
        self, models: Sequence[EvaluatedModel], pixels: Path, examples: LabelledRows
    ) -> list[Answered | None]:
        """Reports without intervals of several models, and what was made of each picture.

        The pixels are read once, and a global model is asked once about the same pictures. None
        where a model computes values that are not numbers.
        """

    def accuracies(
        self, models: Sequence[EvaluatedModel], pixels: Path, examples: LabelledRows
    ) -> list[float | None]:
        """Accuracy of several models on the same rows, 0 to 1; the pixels are read once.

        None where a model computes values that are not numbers.
        """

    def answers(
        self, model: EvaluatedModel, pixels: Path, examples: LabelledRows
    ) -> list[int] | None:
        """The index of the class that a model takes each of the rows for.

        None where it computes values that are not numbers.
        """

    def export(self, model: EvaluatedModel, out: Path) -> None:
        """Writes a whole `.keras` file."""


class EvaluatorStopped(Exception):
    """The server is going: whatever was asked is to be asked again after its next start."""


class WorkerEvaluator:
    """An evaluator in a process of its own.

    Args:
        logs: Folder for what the process prints.
        threads: Its threads; 0 takes all cores.
        pretrained: Folder of the weights that plans may name.
    """

    def __init__(self, logs: Path, threads: int, pretrained: Path) -> None:
        arguments = ["--threads", str(threads or os.cpu_count() or 1)]
        environment = worker_environment(os.environ)
        self._pretrained = pretrained
        self._stopped = False
        self._worker = Worker("master.evaluator", arguments, environment, logs / "evaluator.log")

    @property
    def pid(self) -> int | None:
        """Process id while the process lives."""
        return self._worker.pid

    def start(self) -> None:
        """Starts the process, so that the first request finds it warm."""
        self._worker.start()

    def stop(self) -> None:
        """Ends the process; a request under way ends with `EvaluatorStopped`."""
        self._stopped = True
        self._worker.stop()

    def initial_model(self, study: Study, plan: Plan, out: Path, frozen_out: Path) -> BuiltModel:
        """See `Evaluator`."""
        answer = self._call(
            "initial_model",
            {
                "study": study.model_dump(mode="json"),
                "model": plan.model.model_dump(mode="json"),
                "seed": plan.seed,
                "pretrained": str(self._pretrained),
                "out": str(out),
                "frozen_out": str(frozen_out),
            },
        )
        frozen = answer["frozen"]
        return BuiltModel(
            Signature.model_validate(answer["signature"]),
            None if frozen is None else Signature.model_validate(frozen),
        )

    def report(
        self,
        model: EvaluatedModel,
        pixels: Path,
        examples: LabelledRows,
        *,
        intervals: bool = False,
    ) -> dict[str, Any]:
        """See `Evaluator`."""
        asked = _message(model) | _examples(pixels, examples) | {"intervals": intervals}
        report: dict[str, Any] = self._call("report", asked)["report"]
        return report

    def answered(
        self, models: Sequence[EvaluatedModel], pixels: Path, examples: LabelledRows
    ) -> list[Answered | None]:
        """See `Evaluator`."""
        asked = {"models": [_message(model) for model in models]} | _examples(pixels, examples)
        found = self._call("answered", asked)["answered"]
        return [None if one is None else Answered(**one) for one in found]

    def accuracies(
        self, models: Sequence[EvaluatedModel], pixels: Path, examples: LabelledRows
    ) -> list[float | None]:
        """See `Evaluator`."""
        asked = {"models": [_message(model) for model in models]} | _examples(pixels, examples)
        found: list[float | None] = self._call("accuracies", asked)["accuracies"]
        return found

    def answers(
        self, model: EvaluatedModel, pixels: Path, examples: LabelledRows
    ) -> list[int] | None:
        """See `Evaluator`."""
        asked = {"models": [_message(model)]} | _examples(pixels, examples)
        found: list[int] | None = self._call("answers", asked)["answers"]
        return found

    def export(self, model: EvaluatedModel, out: Path) -> None:
        """See `Evaluator`."""
        self._call("export", _message(model) | {"out": str(out)})

    def _call(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._worker.call(name, arguments)
        except WorkerDied:
            # Not an answer about the model: nobody may conclude anything from it.
            if self._stopped:
                raise EvaluatorStopped from None
            raise


def draft(folder: Path, suffix: str = "") -> Path:
    """A name for a file that is not finished yet."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"draft-{uuid.uuid4().hex}{suffix}"


def _message(model: EvaluatedModel) -> dict[str, Any]:
    return {
        "study": model.study.model_dump(mode="json"),
        "model": model.choice.model_dump(mode="json"),
        "weights": str(model.weights),
        "base": str(model.base) if model.base else None,
        "frozen": str(model.frozen) if model.frozen else None,
        "mirrored": model.mirrored,
    }


def _examples(pixels: Path, examples: LabelledRows) -> dict[str, Any]:
    return {"pixels": str(pixels), "rows": examples.rows, "labels": examples.labels}
