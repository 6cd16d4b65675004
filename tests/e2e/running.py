"""Real servers for tests: started by the engine, seen from outside, killed by their ids."""

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from engines.processes.client import CallFailed
from engines.processes.federation import (
    Federation,
    FederationSettings,
    start_child,
    start_federation,
    start_master,
)
from engines.processes.ports import next_free_ports
from engines.processes.servers import Servers
from federated.plan import Plan, Privacy
from federated.study import Study
from federated.training import Training
from tests.e2e.pictures import CLASSES, files

SITES = ("site-1", "site-2")
PATIENCE = 120.0
"""Seconds after which a test gives up: far more than anything takes, for busy machines."""


@dataclass
class Running:
    """A running federation, and what a test needs to disturb it."""

    servers: Servers
    settings: FederationSettings
    federation: Federation

    @property
    def state(self) -> Path:
        return self.servers.state

    @property
    def master(self):
        return self.federation.master

    @property
    def children(self):
        return self.federation.children

    def kill(self, name):
        """Kills a server for good (SIGKILL), by its id."""
        psutil.Process(self.servers[name].pid).kill()
        self.servers[name].wait()

    def start_master(self):
        """Starts the master again, on its port and its state."""
        start_master(self.servers, self.settings)

    def start_child(self, name):
        """Starts a child again, on its port and its state."""
        start_child(self.servers, self.settings, name, self.master)
        self.servers[name].wait_for_address(PATIENCE)


@contextlib.contextmanager
def running_federation(state, sites=SITES, **options):
    """A federation with fixed ports, so that a part of it can be started again in place."""
    ports = next_free_ports(19_000 + os.getpid() % 10_000, ("master", *sites))
    settings = FederationSettings(sites, ports, **options)
    servers = Servers(state, os.environ)
    state.mkdir(exist_ok=True)
    try:
        yield Running(servers, settings, start_federation(servers, settings))
    finally:
        servers.stop()


def new_study(running, name, pictures, test=0, size=16, first=None):
    """A study that every child holds with its first model, and with pictures.

    Args:
        running: The federation.
        name: The study's id.
        pictures: For each site, how many pictures of each class.
        test: Test pictures of each class at the master.
        size: Side in pixels.
        first: The plan of its first model, if another than `plan()`.
    """
    study = Study(id=name, name=name, classes=CLASSES, size=size)
    running.master.create_study(study, first or plan())
    wait_for(lambda: holds_model(running, name), f"the first model of {name} at every child")
    start = 0
    for site, counts in pictures.items():
        for label, count in counts.items():
            running.children[site].add_pictures(
                name, files(label, range(start, start + count)), label
            )
            start += count
    for label in CLASSES if test else ():
        for part, first in (("test", 50_000), ("audit", 60_000)):
            some = files(label, range(first, first + test))
            running.master.add_pictures(name, some, label, part)
    wait_for(lambda: counts_known(running, name), f"the counts of {name} at the master")
    return study


def plan(rounds=1, epochs=1, **changes):
    """A quick plan under which one picture is enough; sites insist on their own minimum."""
    return Plan(
        rounds=rounds,
        training=Training(epochs=epochs, batch_size=8, **changes.pop("training", {})),
        privacy=Privacy(min_examples=1),
        **changes,
    )


def holds_model(running, study):
    current = running.master.study(study).current
    return current is not None and all(
        any(held.study.id == study and held.weights == current.weights for held in child)
        for child in (child.status().studies for child in running.children.values())
    )


def counts_known(running, study):
    known = {node.name: node.studies.get(study) for node in running.master.nodes()}
    return all(
        _some(known.get(name) or {}) == _some(held.counts)
        for name, child in running.children.items()
        for held in child.status().studies
        if held.study.id == study
    )


def _some(counts):
    return {label: count for label, count in counts.items() if count}


def finished(running, run):
    """The run once it is over."""
    over = ("completed", "stopped", "failed")
    wait_for(lambda: running.master.run(run).state in over, f"the end of run {run}")
    return running.master.run(run)


def wait_for(condition, what, patience=PATIENCE):
    """Waits until a condition holds; servers that are away for a moment do not count."""
    deadline, pause = time.monotonic() + patience, 0.05
    while time.monotonic() < deadline:
        with contextlib.suppress(CallFailed):
            if result := condition():
                return result
        # Each look costs the servers work that what is waited for has to wait for.
        time.sleep(pause)
        pause = min(0.2, 1.2 * pause)
    raise AssertionError(f"waited {patience:g} s in vain for {what}")


def family(pid):
    """A process and everything that it started, as far as it is there."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def is_gone(process):
    """Whether a process has ended; one that nobody has reaped yet has."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until_gone(processes):
    """Waits until processes have ended, whether or not anybody has reaped them."""
    wait_for(lambda: all(map(is_gone, processes)), f"the end of {processes}", 30)
