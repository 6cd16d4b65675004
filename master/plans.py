"""Plans: the ready-made ones, and the check of any plan that is to be run."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from federated.errors import InvalidInput, NotFound
from federated.plan import Plan
from federated.strategies import check_strategy
from federated.study import Study
from federated.views import PlanView
from models.catalogue import check_model
from serving.errors import validation_sentence

DEFAULT = "default"


@cache
def ready_made_plans(folder: Path) -> dict[str, PlanView]:
    """The plans of a folder by name, `default` first.

    Raises:
        InvalidInput: A file is not a plan.
    """
    paths = sorted(folder.glob("*.toml"), key=lambda path: (path.stem != DEFAULT, path.stem))
    return {path.stem: _read(path) for path in paths}


def resolve_plan(folder: Path, wanted: Plan | str) -> Plan:
    """A plan as given, or the ready-made one of that name.

    Raises:
        NotFound: There is no ready-made plan of that name.
    """
    if isinstance(wanted, Plan):
        return wanted
    plans = ready_made_plans(folder)
    if wanted not in plans:
        raise NotFound(
            "There is no such plan",
            expected=f"one of {list(plans)}",
            received=wanted[:64],
            code="unknown_plan",
        )
    return plans[wanted].plan


def check_plan(plan: Plan, study: Study) -> None:
    """Checks what only the zoo and the strategies know.

    Raises:
        InvalidInput: There is no such model or strategy, or a setting is wrong, unknown or
            not available yet.
    """
    check_model(plan.model, study)
    check_strategy(plan.strategy)


def _read(path: Path) -> PlanView:
    try:
        with path.open("rb") as file:
            document: dict[str, Any] = tomllib.load(file)
        return PlanView.model_validate({"name": path.stem, **document})
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"The plan {path.name} is not TOML: {error}") from None
    except ValidationError as error:
        raise InvalidInput(f"The plan {path.name} is wrong: {validation_sentence(error)}") from None
