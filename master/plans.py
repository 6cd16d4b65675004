"""Plans: the ready-made ones by their names, and those that come whole."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationError

from federated.errors import InvalidInput, NotFound
from federated.plan import Plan
from federated.views import PlanView
from serving.sentences import validation_sentence

DEFAULT = "default"


def _plan_if_whole(value: object) -> object:
    # What is no text is a plan: a fault in it is told as that, not as the fault of a text too.
    return Plan.model_validate(value) if isinstance(value, Mapping) else value


WantedPlan = Annotated[Plan | str, BeforeValidator(_plan_if_whole)]
"""A plan, or the name of a ready-made one."""


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


def _read(path: Path) -> PlanView:
    try:
        with path.open("rb") as file:
            document: dict[str, Any] = tomllib.load(file)
        return PlanView.model_validate({"name": path.stem, **document})
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"The plan {path.name} is not TOML: {error}") from None
    except ValidationError as error:
        raise InvalidInput(f"The plan {path.name} is wrong: {validation_sentence(error)}") from None
