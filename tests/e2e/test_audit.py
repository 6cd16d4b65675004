"""Dishonest updates as real PUTs of a real node among honest ones: each fault is caught.

One run of one master. Eight nodes train a softmax on pictures of their own, in numpy; one of them
is honest in the first rounds, and sends another fault in each of the following.
"""

import json
import os
import threading

import numpy as np
import pytest
from safetensors.numpy import load

from benchmarks.odd_sites.attacks import ATTACKS
from benchmarks.odd_sites.heads import Recipe, train
from engines.processes.client import Master
from engines.processes.federation import operator_token
from engines.processes.servers import Servers
from federated.plan import Plan
from federated.study import Study
from tests.e2e.chaos_federation import MASTER_OPTIONS
from tests.e2e.hostile_node import CONTENT_TYPE, update
from tests.e2e.light_nodes import LightNode
from tests.e2e.pictures import CLASSES, png
from tests.e2e.running import PATIENCE, wait_for

STUDY, SIDE, AUDIT = "audited", 8, 90
HONEST = tuple(f"honest-{number}" for number in range(7))
FIRST_FAULT = 3
AGAINST_ITS_OWN = "it goes against what the site says to have"
FAULTS = {
    "random": AGAINST_ITS_OWN,
    "flipped": AGAINST_ITS_OWN,
    "scaled": "times as far as the median of the others",
    "not a number": "values that are not numbers",
    "nothing": "No weight has changed, although",
    "replay": "the same weights as its own for round",
    "copy": "the same weights as that of honest-0",
    "claim": "measured on more pictures than the site has announced",
    "labels": AGAINST_ITS_OWN,
}
RECIPE = Recipe(hidden=0, epochs=2, adam=False, rate=0.02)


def pixels(labels, rng):
    """Pictures whose colour says their class three times in four: uint8 (n, side, side, 3)."""
    tint = np.where(labels[:, None, None, None] == 1, 9, -9) + rng.normal(
        0, 12, (len(labels), 1, 1, 1)
    )
    noise = rng.normal(0, 25, (len(labels), SIDE, SIDE, 3))
    return np.clip(128 + tint * np.array([1, 0, -1]) + noise, 0, 255).astype(np.uint8)


def own_model():
    """A softmax on the pixels, as Keras's JSON."""
    layers = [
        ("InputLayer", {"batch_shape": [None, SIDE, SIDE, 3], "name": "pixels"}),
        ("Rescaling", {"scale": 1 / 64, "offset": -2.0, "name": "scaled"}),
        ("Flatten", {"name": "flat"}),
        ("Dense", {"units": len(CLASSES), "activation": "softmax", "name": "answer"}),
    ]
    described = [
        {"module": "keras.layers", "class_name": kind, "config": config, "registered_name": None}
        for kind, config in layers
    ]
    return json.dumps(
        {
            "module": "keras",
            "class_name": "Sequential",
            "config": {"name": "softmax", "layers": described},
            "registered_name": None,
        }
    )


class Site:
    """What a node has to train on, and what it has seen of the others."""

    def __init__(self, number, sent, delivered):
        self.rng = np.random.default_rng(number)
        self.labels = self.rng.integers(0, 2, 150)
        flat = pixels(self.labels, self.rng).reshape(150, -1)
        self.features = flat / 64 - 2
        self.sent, self.delivered = sent, delivered

    def honest(self, start, shift=0, recipe=RECIPE):
        """The weights after training; `shift` makes every label wrong."""
        kernel, bias = start
        weights = {"layer0/kernel": start[kernel], "layer0/bias": start[bias]}
        trained = train(weights, self.features, (self.labels + shift) % 2, recipe, self.rng)
        return {kernel: trained["layer0/kernel"], bias: trained["layer0/bias"]}

    def work(self, node, task):
        """Trains honestly, and sends that or what the round's fault makes of it."""
        start = dict(sorted(node.weights(task).items(), key=lambda item: -item[1].size))
        tensors, metrics, fault = self.honest(start), {}, None
        if node.name == "dishonest" and task["round"] >= FIRST_FAULT:
            fault = list(FAULTS)[task["round"] - FIRST_FAULT]
            tensors, metrics = self.faulty(fault, start, tensors, task)
        node.send(task, tensors, metrics)
        if fault is None:
            self.sent[node.name, task["round"]] = tensors
        if node.name == "honest-0":
            self.delivered(task["round"]).set()

    def faulty(self, fault, start, trained, task):
        if fault in ATTACKS:
            return ATTACKS[fault](start, trained, self.rng), {}
        kernel = next(iter(start))
        if fault == "not a number":
            trained[kernel][3, 1] = np.nan
        elif fault == "nothing":
            return start, {}
        elif fault == "replay":
            return self.sent["dishonest", FIRST_FAULT - 1], {}
        elif fault == "copy":
            assert self.delivered(task["round"]).wait(PATIENCE)
            return self.sent["honest-0", task["round"]], {}
        elif fault == "labels":
            return self.honest(start, 1, Recipe(hidden=0, epochs=30, adam=False, rate=0.02)), {}
        return trained, {"val_accuracy": 1.0, "val_examples": 500.0} if fault == "claim" else {}


class TrainingNode(LightNode):
    """A light node that says more of its update than others."""

    def weights(self, task):
        return load(self.fetched(task["weights"]))

    def send(self, task, tensors, metrics):
        body = update(task, tensors, num_examples=sum(self.counts.values()), metrics=metrics)
        headers = {"Content-Type": CONTENT_TYPE}
        answer = self.call("PUT", f"/tasks/{task['id']}/update", data=body, headers=headers)
        self.answers[task["id"]] = (answer.status_code, answer.json())


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """The rounds of the run, and the nodes at its end."""
    state = tmp_path_factory.mktemp("audit")
    servers, nodes = Servers(state, os.environ), []
    try:
        servers.spawn(
            "master",
            ["master", "serve", "--state", str(state / "master"), "--port", "0", *MASTER_OPTIONS],
            {},
        )
        master = Master(
            servers["master"].wait_for_address(PATIENCE), operator_token(state / "master")
        )
        plan = Plan.model_validate(
            {
                "rounds": FIRST_FAULT - 1 + len(FAULTS),
                "quorum": len(HONEST),
                "model": {"name": "own", "config": own_model()},
                "privacy": {"min_examples": 1},
                "audit": {"on_gap": "reject", "max_accuracy_gap": 0.05},
            }
        )
        study = Study(id=STUDY, name="Audited", classes=CLASSES, size=SIDE)
        master.create_study(study, plan)
        rng = np.random.default_rng(5)
        for label in range(2):
            some = [png(picture) for picture in pixels(np.full(AUDIT, label), rng)]
            files = [(f"{n}.png", data) for n, data in enumerate(some)]
            master.add_pictures(STUDY, files, CLASSES[label], "audit")
        wait_for(lambda: master.study(STUDY).current is not None, "the first model")
        sent, events = {}, {}

        def delivered(number):
            return events.setdefault(number, threading.Event())

        for number, name in enumerate((*HONEST, "dishonest")):
            site = Site(number, sent, delivered)
            counts = dict(zip(CLASSES, np.bincount(site.labels).tolist(), strict=True))
            nodes.append(TrainingNode(master, name, STUDY, counts, site.work))
        wait_for(lambda: len(master.nodes()) == len(nodes), "all nodes")
        wait_for(lambda: all(node.studies.get(STUDY) for node in master.nodes()), "their counts")
        run = master.start_run(STUDY, plan)
        wait_for(
            lambda: master.run(run.id).state in ("completed", "failed"), "its end", 4 * PATIENCE
        )
        assert master.run(run.id).state == "completed"
        yield master.rounds(run.id), master.nodes()
    finally:
        for node in nodes:
            node.close()
        servers.stop()


def updates(story, number):
    rounds, _ = story
    (one,) = (view for view in rounds if view.number == number)
    return {view.node_name: view for view in one.updates}


def test_all_count_while_all_are_honest(story):
    for number in range(1, FIRST_FAULT):
        assert {view.status for view in updates(story, number).values()} == {"accepted"}


@pytest.mark.parametrize("fault", list(FAULTS))
def test_the_fault_is_caught_and_the_round_goes_on_without_it(story, fault):
    found = updates(story, FIRST_FAULT + list(FAULTS).index(fault))
    rejected = {name: view for name, view in found.items() if view.status != "accepted"}
    assert list(rejected) == ["dishonest"], {
        name: (view.status, view.audit and view.audit.reasons) for name, view in found.items()
    }
    assert FAULTS[fault] in " ".join(rejected["dishonest"].audit.reasons)
    assert rejected["dishonest"].share is None
    assert sum(found[name].share for name in HONEST) == pytest.approx(1)


def test_the_nodes_standing_says_so_without_a_reproach(story):
    _, nodes = story
    standings = {node.name: (node.standing, node.good_results) for node in nodes}
    rounds = FIRST_FAULT - 1 + len(FAULTS)
    assert standings == dict.fromkeys(HONEST, ("trusted", rounds)) | {"dishonest": ("watched", 0)}
    (watched,) = (node for node in nodes if node.name == "dishonest")
    assert AGAINST_ITS_OWN in watched.standing_reason
