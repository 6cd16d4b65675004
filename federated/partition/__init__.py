"""Partitions: how one data set is dealt out to several sites, for studies of what that does.

All are seeded through a `numpy.random.Generator`, bounded, and deal out each picture once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np

from federated.errors import InvalidInput, cut
from federated.partition.by_column import by_values
from federated.partition.by_group import standing_for, with_members
from federated.partition.by_label import Partition, dirichlet, iid, label_skew, shards
from federated.partition.by_size import quantity

__all__ = [
    "PARTITIONS",
    "Partition",
    "Partitioner",
    "by_values",
    "dirichlet",
    "holdings",
    "iid",
    "label_skew",
    "partitioner",
    "quantity",
    "shards",
]

PARTITIONS: Mapping[str, str] = MappingProxyType(
    {
        "iid": "every site sees the same mixture of classes",
        "dirichlet:A": "proportions drawn from a Dirichlet distribution with concentration A",
        "label-skew": "site k never sees class k",
        "shards:K": "each site has K pieces of the pictures sorted by class",
        "quantity:A": "sizes drawn from a Dirichlet distribution with concentration A",
        "by:COLUMN": "by a column of what is known of the pictures, numbers in bands",
    }
)

MOST_DRAWS = 200
"""Draws of a random partition, of which the first that leaves no site short is taken."""

MOST_SHARDS = 1000


@dataclass(frozen=True, slots=True)
class Partitioner:
    """A way to deal out, as a text such as `dirichlet:0.3` asks for it.

    Attributes:
        text: That text.
        deal: Deals once; takes class indices (or the values of `column`), the number of sites
            and a generator.
        column: The column that it deals by; None for the classes.
        is_drawn: Whether another draw gives other sizes.
    """

    text: str
    deal: Callable[[np.ndarray, int, np.random.Generator], Partition]
    column: str | None = None
    is_drawn: bool = False

    def __call__(
        self,
        labels: np.ndarray,
        sites: int,
        rng: np.random.Generator,
        values: np.ndarray | None = None,
        least: int = 0,
        groups: Sequence[str] | None = None,
    ) -> Partition:
        """For each site the indices of its pictures.

        A group is at one site only, and is dealt out like one picture of the class (or the
        value) that it has most of.

        Args:
            labels: Class indices, int (n,).
            sites: Number of sites.
            rng: Source of every choice.
            values: The values of `column`, str (n,); needed where it deals by one.
            least: Pictures that every site must hold. Sizes that are drawn are drawn again,
                a bounded number of times.
            groups: What each picture was taken from, str (n,); None where each is alone.

        Raises:
            InvalidInput: A site would hold fewer, or this partition needs something else.
        """
        if self.column is None:
            values = labels
        elif values is None:
            raise InvalidInput(f"The partition needs the column '{cut(self.column, 80)}'")
        member = np.arange(len(labels))
        if groups is not None:
            member, values = standing_for(values, groups)

        def dealt() -> Partition:
            return with_members(self.deal(values, sites, rng), member)

        parts = dealt()
        for _ in range(MOST_DRAWS - 1 if self.is_drawn else 0):
            if min(map(len, parts)) >= least:
                break
            parts = dealt()
        self._check(parts, least)
        return parts

    def _check(self, parts: Partition, least: int) -> None:
        sizes = [len(part) for part in parts]
        if min(sizes) < least:
            again = f", in each of {MOST_DRAWS} draws" if self.is_drawn else ""
            raise InvalidInput(
                f"The partition {cut(self.text, 80)} leaves a site too few pictures{again}",
                expected=f"at least {least} at every site",
                received=f"{min(sizes)} at site-{sizes.index(min(sizes)) + 1}",
                code="too_few_examples",
            )


def partitioner(text: str) -> Partitioner:
    """The partition that a text such as `dirichlet:0.3` asks for.

    Raises:
        InvalidInput: The text names no partition, or gives it a wrong number.
    """
    name, _, argument = text.partition(":")
    if text == "iid":
        return Partitioner(text, iid)
    if text == "label-skew":
        return Partitioner(text, label_skew)
    if name == "dirichlet":
        return Partitioner(text, partial(dirichlet, alpha=_positive(text, argument)), is_drawn=True)
    if name == "quantity":
        return Partitioner(text, partial(quantity, alpha=_positive(text, argument)), is_drawn=True)
    if name == "shards":
        return Partitioner(text, partial(shards, count=_count(text, argument)))
    if name == "by" and argument:
        return Partitioner(text, by_values, column=argument)
    raise InvalidInput(
        "There is no such partition", expected=f"one of {sorted(PARTITIONS)}", received=text
    )


def holdings(labels: np.ndarray, partition: Partition, num_classes: int) -> np.ndarray:
    """Who holds what: pictures by site and class, int64 (sites, classes)."""
    return np.stack([np.bincount(labels[part], minlength=num_classes) for part in partition])


def _positive(text: str, argument: str) -> float:
    try:
        value = float(argument)
    except ValueError:
        value = float("nan")
    if not 0 < value < float("inf"):
        raise InvalidInput(
            "The concentration of the partition is wrong",
            expected="a number above 0, as in dirichlet:0.3 or quantity:0.5",
            received=text,
        )
    return value


def _count(text: str, argument: str) -> int:
    count = int(argument) if argument.isascii() and argument.isdigit() else 0
    if not 1 <= count <= MOST_SHARDS:
        raise InvalidInput(
            "The number of shards is wrong",
            expected=f"a whole number from 1 to {MOST_SHARDS}, as in shards:2",
            received=text,
        )
    return count
