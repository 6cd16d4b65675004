"""SCAFFOLD with real servers: the control variates go to and fro, and a simulation agrees."""

from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file

from engines.processes.servers import cores
from engines.simulation.laboratory import Laboratory
from engines.simulation.pictures import Picture
from engines.simulation.simulation import simulate
from engines.simulation.site import site_of
from engines.simulation.workers import Workers
from federated.plan import ModelChoice, StrategyChoice
from federated.strategies.fednova import accumulated
from imaging.array_file import PixelArray
from imaging.identity import picture_identity
from imaging.resize import to_model_pixels
from imaging.sanitise import read_pixels
from tests.e2e.averaging import read_blob
from tests.e2e.pictures import files
from tests.e2e.running import finished, new_study, plan

PICTURES = {"site-1": {"blue": 9, "red": 4}, "site-2": {"blue": 3, "red": 24}}
PLAN = plan(
    rounds=3,
    epochs=2,
    model=ModelChoice(name="cnn10", settings={"width": 4, "units": 4, "dropout": 0.0}),
    strategy=StrategyChoice(name="scaffold"),
    training={"optimizer": "sgd", "learning_rate": 0.05},
    quorum=2,
)


@pytest.fixture(scope="module")
def trained(running):
    """The study, and the rounds of a run."""
    study = new_study(running, "controlled", PICTURES, first=PLAN)
    run = running.master.start_run("controlled", PLAN).id
    assert finished(running, run).state == "completed"
    return study, running.master.rounds(run)


def extras(blob):
    return {name: array for name, array in blob.items() if name.startswith("extra/control/")}


def test_each_site_keeps_the_sum_of_the_changes_that_it_told(running, trained):
    _, rounds = trained
    assert [len(one.updates) for one in rounds] == [2, 2, 2]
    for site in PICTURES:
        told = [
            extras(read_blob(running.state, update.sha256))
            for one in rounds
            for update in one.updates
            if update.node_name == site
        ]
        # Of the run's last two tasks: the one that it went on from, and what came of it.
        kept = (running.state / "children" / site / "controls").iterdir()
        latest = load_file(max(kept, key=lambda path: path.stat().st_mtime_ns))
        assert {f"extra/{name}" for name in latest} == set(told[0])
        for name, array in latest.items():
            total = np.sum([one[f"extra/{name}"] for one in told], axis=0)
            np.testing.assert_allclose(array, total, atol=1e-5)
        assert any(np.abs(array).max() > 1e-3 for array in latest.values())


@pytest.fixture(scope="module")
def laboratory(trained, tmp_path_factory):
    """A simulation of that study, and its sites."""
    (study, _), folder = trained, tmp_path_factory.mktemp("laboratory")
    array = PixelArray(folder / "pixels.u8", study.picture_shape)
    sites, start = [], 0
    for name, counts in PICTURES.items():
        pictures = []
        for label, count in counts.items():
            for _, data in files(label, range(start, start + count)):
                whole = read_pixels(data)
                (row,) = array.append(to_model_pixels(whole, study.size, study.channels)[None])
                pictures.append(Picture(sha256=picture_identity(whole), label=label, row=row))
            start += count
        sites.append(site_of(name, pictures))
    with Workers(1, max(1, cores() // 2), folder) as workers:
        yield Laboratory(study, folder / "pixels.u8", workers, folder / "run", folder), sites


def test_a_simulation_comes_to_the_same_bytes(trained, laboratory):
    simulated = simulate(laboratory[0], PLAN, laboratory[1]).rounds
    assert [(one.weights_before, one.weights_after) for one in simulated] == [
        (one.weights_before, one.weights_after) for one in trained[1]
    ]


def test_fednova_weighs_real_trainings_by_their_steps(laboratory, tmp_path):
    settings = {"momentum": 0.9, "proximal": 0.5}
    training = PLAN.training.model_copy(update=settings)
    changes = {"strategy": StrategyChoice(name="fednova"), "training": training, "rounds": 1}
    nova = PLAN.model_copy(update=changes)
    there = replace(laboratory[0], folder=tmp_path)
    (one,) = simulate(there, nova, laboratory[1]).rounds
    examples = {update.node: update.num_examples for update in one.updates}
    # Batches of 8, two epochs.
    steps = {node: 2 * -(-count // 8) for node, count in examples.items()}
    assert len(set(steps.values())) == 2
    parts = {n: examples[n] / accumulated(steps[n], 0.9, 0.05 * 0.5) for n in examples}
    shares = {update.node: update.share for update in one.updates}
    assert shares == pytest.approx({n: part / sum(parts.values()) for n, part in parts.items()})
