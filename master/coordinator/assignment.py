"""Which piece of a round's work goes to which site. Pure, and repeated by the plan's seed.

Everything hangs on names and hashes, never on ids, so that fresh states repeat.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from federated.messages import AssignedBatch
from federated.plan import Plan, RandomSets
from federated.search import Hyperparameters
from federated.split import rank
from imaging.batch_index import BatchEntry, BatchIndex
from master.store.nodes import Site

UNDRAWN = "not drawn for this round"
NO_BATCH = "no batch left for it"


@dataclass(frozen=True, slots=True)
class Slot:
    """One piece of a round's work, and who is to do it.

    Attributes:
        name: `node/<id>`, `batch/<sha256>` or `random/<number>`; attempts at the same work
            share it.
        site: The site that gets it.
        seed: The task's own seed, 0 to 2**31 - 1. For public pictures it belongs to the
            work and not to the site: whoever does it, does the same.
        pictures: Pictures that an update may claim to have trained on, at most.
        batch: The batch, where one is assigned.
        hyperparameters: What it is trained with, where the plan searches and it is known.
    """

    name: str
    site: Site
    seed: int
    pictures: int
    batch: AssignedBatch | None = None
    hyperparameters: Hyperparameters | None = None


def seed_of(plan: Plan, number: int, key: str) -> int:
    """A task's own seed: of a site's name for its own pictures, else of the slot's name."""
    return rank(f"{number}/{key}", plan.seed) % 2**31


def draw_order(sites: Iterable[Site], plan: Plan, number: int) -> tuple[Site, ...]:
    """The sites in the order in which a round draws them: another one in each round."""
    return tuple(sorted(sites, key=lambda site: rank(f"draw/{number}/{site.name}", plan.seed)))


def draw(
    sites: Sequence[Site], plan: Plan, number: int
) -> tuple[tuple[Site, ...], tuple[Site, ...]]:
    """The sites that a round draws and those that it does not, each in the order given."""
    first = draw_order(sites, plan, number)[: plan.sampling.size(len(sites))]
    drawn = {site.id for site in first}
    return (
        tuple(site for site in sites if site.id in drawn),
        tuple(site for site in sites if site.id not in drawn),
    )


def slots_of(
    plan: Plan,
    index: BatchIndex | None,
    number: int,
    sites: Sequence[Site],
    *,
    dealt: int = 0,
    taken: Collection[str] = (),
) -> tuple[Slot, ...]:
    """The work of a round for sites that were drawn.

    Batches are dealt in an order that the plan's seed gives, on from where the round before
    stopped: over the rounds each is used as often as any other. No batch is given twice in
    a round, so sites beyond the number of batches get no slot.

    Args:
        plan: The run's plan.
        index: The batches; needed where the plan assigns them.
        number: The round's number, from 1.
        sites: Who is to work.
        dealt: Batches that earlier rounds of the run have dealt, further attempts not counted.
        taken: Names of slots that are not to be given again, as in an asynchronous round,
            whose slots are made one by one.
    """
    if plan.data.kind == "own":
        return tuple(_own(plan, number, site) for site in sites)
    ordered = draw_order(sites, plan, number)
    if isinstance(plan.data, RandomSets):
        names = _random_names(len(ordered), taken)
        return tuple(
            Slot(name, site, seed_of(plan, number, name), plan.data.images)
            for name, site in zip(names, ordered, strict=True)
        )
    entries = () if index is None else _walk(index, plan.seed, dealt)
    free = (entry for entry in entries if _batch_name(entry) not in taken)
    return tuple(
        _batch(plan, number, entry, site)
        # The sites come first: after the last of them no batch is taken from the walk.
        for site, entry in zip(ordered, free, strict=False)
    )


def substitute(slot: Slot, spares: Iterable[Site], plan: Plan, number: int) -> Slot | None:
    """The slot that takes the place of one that was lost; None where no site is spare.

    Public pictures: the same work at another site. A site's own pictures: another site's.

    Args:
        slot: What was lost.
        spares: Sites that could work in this round and do not.
        plan: The run's plan.
        number: The round's number.
    """
    first = next(iter(draw_order(spares, plan, number)), None)
    if first is None:
        return None
    return _own(plan, number, first) if plan.data.kind == "own" else replace(slot, site=first)


def _own(plan: Plan, number: int, site: Site) -> Slot:
    return Slot(f"node/{site.id}", site, seed_of(plan, number, site.name), site.labelled)


def _random_names(count: int, taken: Collection[str]) -> list[str]:
    # Among so many names, at least `count` are free.
    names = (f"random/{number}" for number in range(1, count + len(taken) + 1))
    return [name for name in names if name not in taken][:count]


def _walk(index: BatchIndex, seed: int, dealt: int) -> Iterator[BatchEntry]:
    """Every batch once, in the seed's order, from where the walk stands."""
    ordered = sorted(index.batches, key=lambda entry: rank(entry.sha256, seed))
    start = dealt % len(ordered) if ordered else 0
    yield from ordered[start:]
    yield from ordered[:start]


def _batch(plan: Plan, number: int, entry: BatchEntry, site: Site) -> Slot:
    name = _batch_name(entry)
    batch = AssignedBatch(sha256=entry.sha256, bytes=entry.bytes)
    return Slot(name, site, seed_of(plan, number, name), entry.train_total, batch)


def _batch_name(entry: BatchEntry) -> str:
    return f"batch/{entry.sha256}"
