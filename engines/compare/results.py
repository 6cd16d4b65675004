"""What a case came to, and the folder that keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engines.compare.question import Case
from federated.values import Value
from serving.files import write_file


class Measured(Value):
    """One model on the pictures that judge.

    Attributes:
        name: `all`, `global`, or the site whose own model it is, or whose own version of the
            global model.
        figures: Every figure of the report that is one number: `accuracy`, `auc`, `loss`.
        recalls: For each class the share that was found; None where there is none to find.
    """

    name: str
    figures: dict[str, float | None]
    recalls: dict[str, float | None]


class Result(Value):
    """A finished case.

    Attributes:
        case: Which.
        seconds: From its start to its end; other cases ran beside it.
        holdings: For each site the pictures that it trained on, by class.
        models: The models measured: one, or one for each site.
    """

    case: Case
    seconds: float
    holdings: dict[str, dict[str, int]]
    models: tuple[Measured, ...]

    def mean(self, figure: str) -> float | None:
        """A figure, averaged over the models; None where one of them lacks it."""
        values = [model.figures.get(figure) for model in self.models]
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if known and len(known) == len(values) else None


def measured(name: str, report: Mapping[str, Any]) -> Measured:
    """What is kept of a report of `models.measures`."""
    figures = {
        key: value
        for key, value in report.items()
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool))
    }
    recalls = {entry["name"]: entry["recall"] for entry in report["classes"]}
    return Measured(name=name, figures=figures, recalls=recalls)


class Kept:
    """The finished cases of a folder: one file each, whole or not at all.

    Args:
        folder: Where they lie; made if missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, case: Case) -> Result | None:
        """What the case came to, if it is finished."""
        try:
            result = Result.model_validate_json(self._path(case).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None
        return result if result.case == case else None

    def put(self, result: Result) -> None:
        """Keeps a finished case."""
        write_file(self._path(result.case), result.model_dump_json(indent=2).encode())

    def _path(self, case: Case) -> Path:
        return self._folder / f"{case.key}.json"
