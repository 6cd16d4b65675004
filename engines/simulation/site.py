"""A simulated site: what a child would hold, and how it would split it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from child.worker_messages import Examples
from engines.simulation.pictures import Picture
from federated.split import validation_split
from federated.states import NodeState
from federated.study import Study
from master.store.nodes import Site


@dataclass(frozen=True, slots=True)
class SimulatedSite:
    """A site and its pictures, each once.

    Attributes:
        name: The site's name, on which its seeds and its place in every sum depend.
        pictures: By name, in the order of their names.
    """

    name: str
    pictures: Mapping[str, Picture]

    @property
    def counts(self) -> dict[str, int]:
        """Pictures by class."""
        return dict(Counter(picture.label for picture in self.pictures.values()))

    @property
    def groups(self) -> dict[str, str]:
        """What pictures were taken from, by name, but for those that are alone here.

        A group has the name of its first picture.
        """
        first: dict[str, str] = {}
        named = {name: picture for name, picture in self.pictures.items() if picture.group}
        held = Counter(picture.group for picture in named.values())
        return {
            name: first.setdefault(picture.group, name)
            for name, picture in named.items()
            if held[picture.group] > 1
        }

    @property
    def node(self) -> Site:
        """The site as a master would know it: approved, and always there."""
        return Site(self.name, self.name, NodeState.ACTIVE, None, True, self.counts)

    def split(self, study: Study, fraction: float, seed: int) -> tuple[Examples, Examples]:
        """The pictures that train and those that judge, as the site's child would split them."""
        labels = {name: picture.label for name, picture in self.pictures.items()}
        parts = validation_split(labels, fraction=fraction, seed=seed, groups=self.groups)
        train = [name for name in self.pictures if parts[name] == "train"]
        judging = [name for name in self.pictures if parts[name] == "validation"]
        return self._examples(study, train), self._examples(study, judging)

    def _examples(self, study: Study, names: Iterable[str]) -> Examples:
        chosen = [self.pictures[name] for name in names]
        return Examples(
            rows=tuple(picture.row for picture in chosen),
            labels=tuple(study.classes.index(picture.label) for picture in chosen),
        )


def site_of(name: str, pictures: Iterable[Picture | None]) -> SimulatedSite:
    """A site with these pictures; of equal ones the first counts, as in a child's store."""
    first: dict[str, Picture] = {}
    for picture in pictures:
        if picture is not None:
            first.setdefault(picture.sha256, picture)
    return SimulatedSite(name, {sha256: first[sha256] for sha256 in sorted(first)})
