"""Pickled arrays, read without unpickling.

A pickle is a program for a machine that calls whatever it names. This machine knows the
instructions for plain values only and calls nothing: the names that NumPy writes stand for
arrays, whose bytes stay in the file, and any other name ends the reading.

References: PEP 307, PEP 574; Lib/pickletools.py; `ndarray.__reduce__` of NumPy 1 and 2.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

from imaging.readers.bounds import BOUNDS, Bounds
from imaging.readers.content import Content
from imaging.readers.errors import BrokenSource, OversizedSource
from imaging.readers.pickled_memory import PickleMemory
from imaging.readers.pickled_names import ADMITTED, ArrayInMaking, DtypeInMaking, Name
from imaging.readers.pickled_tape import Tape

MAX_STEPS = 5_000_000
MAX_DEPTH = 8
"""Tuples in tuples; what NumPy writes needs three."""
_MARK: Final = object()


def read_pickle(content: Content, bounds: Bounds = BOUNDS) -> Any:
    """What a pickle of protocol 2 to 5 holds: plain values, and `StoredArray` for arrays.

    Raises:
        BrokenSource: It is damaged, or holds something else than arrays and plain values.
        OversizedSource: It holds more than may be in memory.
    """
    memory = PickleMemory(bounds)
    machine = _Machine(Tape(content.seekable(), memory), memory)
    try:
        return machine.run()
    except (IndexError, KeyError, TypeError, ValueError, struct.error) as error:
        raise BrokenSource(
            "This pickle is damaged", expected="one that NumPy can have written", received=error
        ) from error


class _Nested(tuple[Any, ...]):
    """A tuple that holds tuples, and how deep."""

    depth: int


class _Machine:
    """The stack, the memo, and what each instruction does to them."""

    def __init__(self, tape: Tape, memory: PickleMemory) -> None:
        self._tape = tape
        self._memory = memory
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        """Carries out the whole pickle."""
        for _ in range(MAX_STEPS):
            code = self._tape.take(1)
            if code == b".":
                return settled(self._stack.pop())
            step = _STEPS.get(code)
            if step is None:
                raise BrokenSource(
                    "This pickle holds more than arrays",
                    expected="arrays, lists, dictionaries, texts and numbers; protocol 2 to 5",
                    received=f"instruction {code!r}",
                )
            step(self)
        raise OversizedSource(
            "This pickle is too long", expected=f"at most {MAX_STEPS} instructions", received="more"
        )

    def push(self, value: Any) -> None:
        self._stack.append(value)

    def push_tuple(self, items: list[Any]) -> None:
        inner = max((_depth(item) for item in items), default=0)
        if inner >= MAX_DEPTH:
            raise ValueError(f"tuples more than {MAX_DEPTH} deep")
        made = _Nested(items) if inner else tuple(items)
        if isinstance(made, _Nested):
            made.depth = inner + 1
        self.push(made)

    def since_mark(self) -> list[Any]:
        """What lies above the mark, which goes too."""
        place = len(self._stack) - 1
        while self._stack[place] is not _MARK:
            place -= 1
            if place < 0:
                raise ValueError("no mark")
        found = self._stack[place + 1 :]
        del self._stack[place:]
        return found

    def take_top(self, count: int) -> list[Any]:
        if count > len(self._stack):
            raise IndexError("the stack is empty")
        found = self._stack[-count:]
        del self._stack[-count:]
        return found

    def top(self, kind: type) -> Any:
        if type(self._stack[-1]) is not kind:
            raise TypeError(f"no {kind.__name__} to add to")
        return self._stack[-1]

    def append(self, values: list[Any]) -> None:
        self.top(list).extend(values)

    def set_items(self, flat: list[Any]) -> None:
        target = self.top(dict)
        for key, value in zip(flat[::2], flat[1::2], strict=True):
            if not isinstance(key, str | bytes | int):
                raise TypeError("a key that is neither text nor number")
            target[key] = value

    def remember(self, place: int) -> None:
        self._memo[place] = self._stack[-1]

    def memoize(self) -> None:
        self.remember(len(self._memo))

    def recall(self, place: int) -> None:
        self.push(self._memo[place])

    def name(self, module: Any, name: Any) -> None:
        # A tuple that holds itself twice, sixty deep, takes a lifetime to hash or to write out.
        if not (isinstance(module, str) and isinstance(name, str)):
            raise TypeError("a name that is no text")
        if (module, name) not in ADMITTED:
            raise BrokenSource(
                "This pickle asks for more than arrays, and is not read further",
                expected="what NumPy writes for an array",
                received=f"{module}.{name}"[:100],
            )
        self.push(Name(module, name))

    def reduce(self) -> None:
        name, arguments = self.take_top(2)
        if type(name) is not Name or not isinstance(arguments, tuple):
            raise TypeError("a call of something that is no name")
        self.push(ADMITTED[name.module, name.name](arguments, self._memory))

    def build(self) -> None:
        target, state = self.take_top(2)
        if not isinstance(target, ArrayInMaking | DtypeInMaking) or not isinstance(state, tuple):
            raise TypeError("a state for something that has none")
        target.set_state(state)
        self.push(target)

    @property
    def tape(self) -> Tape:
        return self._tape


def _depth(value: Any) -> int:
    """How many tuples lie in each other here; told without looking into them again."""
    return value.depth if isinstance(value, _Nested) else int(isinstance(value, tuple))


def settled(value: Any) -> Any:
    """A value of a pickle with its arrays ready to be read."""
    return value.array() if isinstance(value, ArrayInMaking) else value


def _integer(machine: _Machine, length: int) -> None:
    if length > 64:
        raise ValueError("a number of more than 64 bytes")
    machine.push(int.from_bytes(machine.tape.take(length), "little", signed=True))


def _number(form: str) -> Callable[[_Machine], None]:
    return lambda machine: machine.push(machine.tape.number(form))


def _constant(value: Any) -> Callable[[_Machine], None]:
    return lambda machine: machine.push(value)


def _text(form: str) -> Callable[[_Machine], None]:
    return lambda machine: machine.push(machine.tape.text(machine.tape.number(form)))


def _raw(form: str) -> Callable[[_Machine], None]:
    return lambda machine: machine.push(machine.tape.raw(machine.tape.number(form)))


def _tuple(count: int) -> Callable[[_Machine], None]:
    return lambda machine: machine.push_tuple(machine.take_top(count))


def _nothing(form: str) -> Callable[[_Machine], None]:
    def skip(machine: _Machine) -> None:
        machine.tape.number(form)

    return skip


_STEPS: Final[dict[bytes, Callable[[_Machine], None]]] = {
    b"\x80": _nothing("<B"),
    b"\x95": _nothing("<Q"),
    b"(": _constant(_MARK),
    b"0": lambda machine: (machine.take_top(1), None)[1],
    b"1": lambda machine: (machine.since_mark(), None)[1],
    b"N": _constant(None),
    b"\x88": _constant(True),
    b"\x89": _constant(False),
    b"J": _number("<i"),
    b"K": _number("<B"),
    b"M": _number("<H"),
    b"\x8a": lambda machine: _integer(machine, machine.tape.number("<B")),
    b"\x8b": lambda machine: _integer(machine, machine.tape.number("<I")),
    b"G": lambda machine: machine.push(struct.unpack(">d", machine.tape.take(8))[0]),
    b"\x8c": _text("<B"),
    b"X": _text("<I"),
    b"\x8d": _text("<Q"),
    # Python 2 wrote its byte strings so.
    b"U": _raw("<B"),
    b"T": _raw("<I"),
    b"C": _raw("<B"),
    b"B": _raw("<I"),
    b"\x8e": _raw("<Q"),
    b"\x96": _raw("<Q"),
    b")": lambda machine: machine.push(()),
    b"t": lambda machine: machine.push_tuple(machine.since_mark()),
    b"\x85": _tuple(1),
    b"\x86": _tuple(2),
    b"\x87": _tuple(3),
    b"]": lambda machine: machine.push([]),
    b"l": lambda machine: machine.push(machine.since_mark()),
    b"a": lambda machine: machine.append(machine.take_top(1)),
    b"e": lambda machine: machine.append(machine.since_mark()),
    b"}": lambda machine: machine.push({}),
    b"s": lambda machine: machine.set_items(machine.take_top(2)),
    b"u": lambda machine: machine.set_items(machine.since_mark()),
    b"q": lambda machine: machine.remember(machine.tape.number("<B")),
    b"r": lambda machine: machine.remember(machine.tape.number("<I")),
    b"\x94": _Machine.memoize,
    b"h": lambda machine: machine.recall(machine.tape.number("<B")),
    b"j": lambda machine: machine.recall(machine.tape.number("<I")),
    b"c": lambda machine: machine.name(machine.tape.line(), machine.tape.line()),
    b"\x93": lambda machine: machine.name(*machine.take_top(2)),
    b"R": _Machine.reduce,
    b"b": _Machine.build,
}
