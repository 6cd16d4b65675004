"""Makes the plan of a training: a ready-made one, changed by the options."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from engines.processes.dataset import Dataset
from engines.processes.errors import WrongOption
from engines.processes.progress import say
from federated.plan import Plan
from federated.study import Study
from master.plan_faults import check_plan, faults_without_audit
from master.plans import ready_made_plans
from master.pretrained import IMAGENET, check_weights
from master.settings import READY_MADE_PLANS

_UNREADABLE = re.compile(r", unable to parse.*$")

NOWHERE = Path(os.devnull)
"""The folder of weights of a master that has none."""


def plan_of(study: Study, options: argparse.Namespace) -> Plan:
    """The preset's plan with what the options say instead.

    It is checked here as the master will, so that a wrong option shows before anything starts.

    Raises:
        WrongOption: There is no such preset, or the options make no possible plan.
        ImpossiblePlan: The model, the strategy or the number of children does not allow it.
    """
    presets = ready_made_plans(READY_MADE_PLANS)
    if options.preset not in presets:
        raise WrongOption(
            "There is no such preset", expected=f"one of {sorted(presets)}", received=options.preset
        )
    preset = presets[options.preset].plan
    plan = changed_plan(preset, options)
    check_plan(plan, study, options.children)
    _check_weights(plan, options)
    if preset.trigger.kind == "upload" and options.rounds is None:
        told = "one round" if plan.rounds == 1 else f"{plan.rounds} rounds"
        say(
            f"The preset {options.preset} waits for pictures; here all are there at once, which "
            f"makes {told}. --rounds says how many."
        )
    return plan


def check_audit(plan: Plan, dataset: Dataset) -> None:
    """Whether the master gets the audit pictures that the plan goes by.

    Raises:
        WrongOption: It gets none.
    """
    missing = () if dataset.audit else tuple(faults_without_audit(plan))
    if missing:
        raise WrongOption(
            ". ".join(missing),
            expected="a folder audit, or validation, beside the folders train and test",
        )


def _check_weights(plan: Plan, options: argparse.Namespace) -> None:
    folder = pretrained_folder(options)
    if folder is None and plan.model.weights not in (None, IMAGENET):
        raise WrongOption(
            f"The plan begins from a file of weights, {plan.model.weights}",
            expected="--pretrained DIR, the folder in which it lies; or --weights imagenet, which "
            "has Keras download such weights",
            received="neither",
        )
    check_weights(plan.model, folder or NOWHERE)


def pretrained_folder(options: argparse.Namespace) -> Path | None:
    """The folder of the weights that the plan names; None where it is nobody's business.

    Raises:
        WrongOption: There is no such file.
    """
    folder: Path | None = options.pretrained
    if options.weights in (None, IMAGENET):
        return folder
    file = Path(options.weights).expanduser().absolute()
    if folder is not None:
        file = folder / file.name
    if not file.is_file():
        raise WrongOption("--weights names no file", expected="a file of weights", received=file)
    return file.parent


def changed_plan(preset: Plan, options: argparse.Namespace) -> Plan:
    """A plan with those fields changed that an option gives; checked anew.

    Raises:
        WrongOption: The options make no possible plan.
    """
    document = preset.model_dump(mode="json")
    if preset.trigger.kind == "upload":
        # Such a preset's rounds are a limit on uploads, and here is one.
        document["rounds"] = 1
    places: list[tuple[dict[str, Any], str, object]] = [
        (document, "rounds", options.rounds),
        (document["training"], "epochs", options.epochs),
        (document["training"], "batch_size", options.batch_size),
        (document["training"], "learning_rate", options.learning_rate),
    ]
    # Another architecture, or another rule, has other settings.
    if options.own is not None:
        places.append((document, "model", options.own.model_dump(mode="json")))
    elif options.model not in (None, preset.model.name):
        places.append((document, "model", {"name": options.model}))
    if options.strategy not in (None, preset.strategy.name):
        kept = {"batch_norm": preset.strategy.batch_norm}
        places.append((document, "strategy", {"name": options.strategy} | kept))
    for section, key, value in places:
        if value is not None:
            section[key] = value
    if options.weights is not None:
        document["model"]["weights"] = Path(options.weights).name
    if options.trained is not None:
        document["model"]["trained"] = options.trained
    fields = assignments(options.set or "")
    check_each_once([field for field, _ in fields])
    for field, text in fields:
        assign(document, field, text)
    # Whoever waits at a command line does not want to wait for uploads.
    document |= {"seed": options.seed, "trigger": {"kind": "start"}}
    return checked_plan(document)


def checked_plan(document: dict[str, Any]) -> Plan:
    """The plan that a document is.

    Raises:
        WrongOption: It is none.
    """
    try:
        return Plan.model_validate(document)
    except ValidationError as error:
        raise _told(error.errors()[0]) from None


def _told(fault: ErrorDetails) -> WrongOption:
    """What pydantic found, as a sentence about a plan."""
    path = [str(part) for part in fault["loc"]]
    field = ".".join(path) or "plan"
    if fault["type"] == "extra_forbidden":
        known = ", ".join(_fields_at(path[:-1]))
        return WrongOption(
            "A plan has no such field",
            expected=f"one of {known}" if known else "a field of a plan, such as rounds",
            received=field,
        )
    said = _UNREADABLE.sub("", fault["msg"]).removeprefix("Value error, ")
    return WrongOption(
        f"The options make no plan: {field} is wrong",
        expected=said.removeprefix("Input should be "),
        received=fault.get("input"),
    )


def _fields_at(path: Sequence[str]) -> list[str]:
    """The fields of a part of the plan, by their order; none where it has none by default."""
    section: Any = Plan().model_dump()
    for name in path:
        section = section.get(name) if isinstance(section, dict) else None
    return list(section) if isinstance(section, dict) else []


def check_each_once(fields: Sequence[str]) -> None:
    """Refuses fields of which one would replace the other.

    Raises:
        WrongOption: One comes twice.
    """
    for field in fields:
        if fields.count(field) > 1:
            raise WrongOption(
                "--set gives a field twice", expected="each field once", received=field
            )


def assignments(text: str) -> list[tuple[str, str]]:
    """Fields and their texts: `training.optimizer=sgd seed=3`.

    Raises:
        WrongOption: A word is no assignment.
    """
    pairs = [word.partition("=") for word in text.split()]
    for field, sign, value in pairs:
        if not (field and sign and value):
            raise WrongOption(
                "This is no field of a plan with its value",
                expected="FIELD=VALUE, such as training.optimizer=sgd",
                received=field,
            )
    return [(field, value) for field, _, value in pairs]


def assign(document: dict[str, Any], field: str, text: str) -> None:
    """Gives a plan's field another value, in place.

    Args:
        document: A plan as JSON; whether the value is possible is checked with the whole plan.
        field: Its path with dots: `model.settings.dropout`.
        text: Its value: a number, true, false, null, or a text.

    Raises:
        WrongOption: The path leads through something that has no fields.
    """
    *path, last = field.split(".")
    section: Any = document
    for name in path:
        # A part that the plan leaves out, such as early stopping, begins with its defaults.
        if isinstance(section, dict) and section.get(name) is None:
            section[name] = {}
        section = section.get(name) if isinstance(section, dict) else None
    if not isinstance(section, dict):
        raise WrongOption("A plan has no such field", expected="such as rounds", received=field)
    section[last] = _value(text)


def _value(text: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if value is None or isinstance(value, bool | int | float | str) else text
