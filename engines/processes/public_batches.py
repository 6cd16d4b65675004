"""Packs a data set into batches of public pictures, for plans whose sites train on such."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from engines.processes.dataset import Dataset
from engines.processes.errors import WrongOption
from engines.processes.progress import say
from federated.plan import Plan
from imaging.packing import pack_batches, write_batches
from imaging.readers.splitting import split_groups

BATCHES, TRAIN, VALIDATION = 10, 100, 10
AUDIT = 200
"""Pictures for the master's audit at most, of those that no batch needs."""


def wants_batches(plan: Plan, changed: str | None) -> bool:
    """Whether the sites train on public pictures that lie nowhere yet.

    Args:
        plan: Of the training.
        changed: What `--set` says; a place of batches that it names is taken as it is.
    """
    named = any(word.startswith("data.url=") for word in (changed or "").split())
    return plan.data.kind != "own" and not named


def in_batches(
    dataset: Dataset, plan: Plan, folder: Path, tell: Callable[[str], None] = say
) -> tuple[Dataset, Plan]:
    """Packs the training pictures into batches, and has the plan find them.

    Where the data set has no audit part, the master gets some of the pictures that are in no batch.

    Args:
        dataset: Its training pictures, which must be public ones, are packed.
        plan: Whose `data` is `batches` or `random`; its seed decides what goes where.
        folder: New folder for the batches.
        tell: Hears what was made.

    Returns:
        The data set without training pictures of the sites' own, and the plan with its place.

    Raises:
        WrongOption: There are too few pictures for a single batch.
        NoPictures: Too many of them cannot be read, or are there twice.
    """
    audit, rest = dataset.audit, dataset.train
    count = min(BATCHES, len(rest) // (TRAIN + VALIDATION))
    if count == 0:
        raise WrongOption(
            "The data set is too small for the batches of this plan",
            expected=f"at least {TRAIN + VALIDATION} training pictures",
            received=len(rest),
        )
    spare = len(rest) - count * (TRAIN + VALIDATION)
    if not audit and spare:
        learn, judge = split_groups(rest, min(AUDIT, spare // 2) / len(rest), plan.seed)
        audit, rest = tuple(judge), tuple(learn)
    rng = np.random.default_rng(plan.seed)
    write_batches(folder, pack_batches(rest, count, TRAIN, VALIDATION, rng))
    tell(
        f"Packed {count} batches of {TRAIN} + {VALIDATION} pictures; "
        f"the master has {len(audit)} audit pictures."
    )
    data = plan.data.model_copy(update={"url": str(folder.absolute())})
    return replace(dataset, train=(), audit=audit), plan.model_copy(update={"data": data})
