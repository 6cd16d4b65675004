"""A small federation as its servers would describe it: two sites, one run of two rounds."""

from tests.webapp.drawn import png
from tests.webapp.sample.at_a_site import held, imported, picture, prediction, status
from tests.webapp.sample.courses import changes, course, paired, rounds_told
from tests.webapp.sample.facts import HASHES, NOW, PLAN, RUN, STUDY, weights
from tests.webapp.sample.runs import (
    credits_granted,
    credits_pending,
    events,
    rewards,
    round_,
    run,
    training_run,
    update,
)
from tests.webapp.sample.scripts import child, empty_child, empty_master, federation, master
from tests.webapp.sample.sites import node, nodes, study

__all__ = [
    "HASHES",
    "NOW",
    "PLAN",
    "RUN",
    "STUDY",
    "changes",
    "child",
    "course",
    "credits_granted",
    "credits_pending",
    "empty_child",
    "empty_master",
    "events",
    "federation",
    "held",
    "imported",
    "master",
    "node",
    "nodes",
    "paired",
    "picture",
    "png",
    "prediction",
    "rewards",
    "round_",
    "rounds_told",
    "run",
    "status",
    "study",
    "training_run",
    "update",
    "weights",
]
