"""What the catalogue says about one architecture: its settings and the pictures it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from federated.plan import Setting
from federated.study import Study


@dataclass(frozen=True, slots=True)
class ArchitectureSetting:
    """One free setting of an architecture.

    Attributes:
        name: Name in the plan, such as `dropout`.
        default: Value where the plan is silent; its type is the setting's type.
        help: What it does, in one sentence.
        minimum: Least value allowed, for numbers.
        maximum: Greatest value allowed, for numbers.
        choices: The values allowed; `()` where the range says it.
    """

    name: str
    default: Setting
    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Setting, ...] = ()

    @property
    def allowed(self) -> str:
        """The allowed values in words, such as `an integer from 4 to 256`."""
        if self.choices:
            return "one of " + ", ".join(repr(choice) for choice in self.choices)
        if isinstance(self.default, bool):
            return "true or false"
        if isinstance(self.default, str):
            return "a text"
        kind = "an integer" if isinstance(self.default, int) else "a number"
        return f"{kind} from {self.minimum:g} to {self.maximum:g}"

    def allows(self, value: Setting) -> bool:
        """Whether `value` has the setting's type and lies in its range."""
        if not self._has_type(value):
            return False
        if self.choices:
            return value in self.choices
        if isinstance(value, bool | str):
            return True
        lowest = float("-inf") if self.minimum is None else self.minimum
        highest = float("inf") if self.maximum is None else self.maximum
        return lowest <= value <= highest

    def _has_type(self, value: Setting) -> bool:
        # True is an int in Python, and 1 is a fine value for a float.
        if isinstance(self.default, bool) or isinstance(value, bool):
            return isinstance(self.default, bool) and isinstance(value, bool)
        if isinstance(self.default, float):
            return isinstance(value, int | float)
        return isinstance(value, type(self.default))


@dataclass(frozen=True, slots=True)
class Architecture:
    """One entry of the catalogue.

    Attributes:
        name: Name in the plan and of the file in `models/zoo/`.
        summary: What it is, in one sentence.
        settings: Its free settings.
        smallest: Least picture size in pixels.
        largest: Greatest picture size in pixels.
        channels: Numbers of channels that it takes.
        imagenet: Whether Keras has ImageNet weights for it.
    """

    name: str
    summary: str
    settings: tuple[ArchitectureSetting, ...] = ()
    smallest: int = 8
    largest: int = 1024
    channels: tuple[int, ...] = (1, 3)
    imagenet: bool = False

    def filled(self, given: Mapping[str, Setting]) -> dict[str, Setting]:
        """All settings, each as given or by default, in the type of its default."""
        return {
            setting.name: type(setting.default)(given.get(setting.name, setting.default))
            for setting in self.settings
        }

    def objections(self, given: Mapping[str, Setting], study: Study) -> Iterator[str]:
        """Every reason why this architecture cannot be built so for `study`."""
        known = {setting.name: setting for setting in self.settings}
        for name, value in given.items():
            if name not in known:
                yield f"'{name}' is no setting (it has {sorted(known)})"
            elif not known[name].allows(value):
                yield f"'{name}' must be {known[name].allowed}, not {value!r}"
        if not self.smallest <= study.size <= self.largest:
            sizes = f"{self.smallest} px to {self.largest} px"
            yield f"pictures must have {sizes} a side, not {study.size} px"
        if study.channels not in self.channels:
            yield f"pictures must have {self.channels} channels, not {study.channels}"


def last_blocks_setting(blocks: tuple[str, ...]) -> ArchitectureSetting:
    """The setting `last_blocks` of a network with these blocks."""
    words = "Blocks before the head that are trained where `trained` is `last`."
    return ArchitectureSetting("last_blocks", 1, words, 1, len(blocks) - 1)
