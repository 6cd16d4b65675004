"""Options of a server's command line: one list that command line, environment and help share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PREFIX = "COMMONSIGHT_"


@dataclass(frozen=True, slots=True)
class Option:
    """One option of the command line.

    Attributes:
        flag: The option; its twin in the environment is made of it.
        help: What it does.
        default: Value where neither says anything; None where there is none.
        kind: Makes the value of the text; `bool` for a switch.
        required: Whether it must be given.
        choices: The only values, if there are few.
    """

    flag: str
    help: str
    default: Any = None
    kind: Callable[[str], Any] = str
    required: bool = False
    choices: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """Its name among the parsed options, such as `min_examples`."""
        return self.flag.lstrip("-").replace("-", "_")

    @property
    def variable(self) -> str:
        """The environment's twin, such as `COMMONSIGHT_STATE`."""
        return PREFIX + self.name.upper()


def add_options(
    parser: argparse.ArgumentParser, options: Sequence[Option], environ: Mapping[str, str]
) -> None:
    """Adds options whose defaults come from the environment."""
    for option in options:
        given = environ.get(option.variable)
        text = f"{option.help} [{option.variable}]"
        if option.kind is bool:
            switched = (given or "").casefold() in ("1", "true", "yes", "on")
            parser.add_argument(option.flag, action="store_true", default=switched, help=text)
            continue
        default = given or option.default
        parser.add_argument(
            option.flag,
            type=option.kind,
            default=default,
            required=option.required and default is None,
            choices=option.choices,
            help=text if option.default in (None, 0) else f"{text} (default: {option.default})",
        )


def values_of(options: Sequence[Option], parsed: argparse.Namespace) -> dict[str, Any]:
    """The values of these options, by name."""
    return {option.name: getattr(parsed, option.name) for option in options}
