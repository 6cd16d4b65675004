"""What hostile nodes send: each attack is what its name says, and honest nodes are honest."""

import asyncio

import numpy as np
import pytest
from safetensors.numpy import load

from benchmarks.connection import Answer
from benchmarks.hostile_sites.site import KINDS, Neighbours, Pictures, Site
from benchmarks.odd_sites.attacks import ATTACKS, noisy, unchanged
from benchmarks.odd_sites.heads import Recipe, probabilities
from federated.errors import FederationError
from federated.messages import Task
from federated.plan import Plan
from federated.signature import signature_of
from federated.study import Study
from federated.wire import encode_weights, read_update_document
from serving.blobs import open_blob

RNG = np.random.default_rng(7)
START = {
    "output/kernel": np.zeros((3, 2), np.float32),
    "output/bias": np.full(2, 0.25, np.float32),
}
TRAINED = {
    "output/kernel": np.full((3, 2), 0.5, np.float32),
    "output/bias": np.full(2, -0.75, np.float32),
}
STUDY = Study(id="hostile", name="Hostile", classes=("benign", "malignant"), size=32)
FAR = Recipe(hidden=0, epochs=20, adam=False, rate=0.1)
OK, REJECTED = Answer(200, {}, b""), Answer(422, {}, b"no")


def test_flipped_goes_as_far_the_other_way():
    sent = ATTACKS["flipped"](START, TRAINED, RNG)
    assert (sent["output/kernel"] == -0.5).all()
    assert (sent["output/bias"] == 1.25).all()


def test_scaled_goes_a_hundred_times_as_far():
    sent = ATTACKS["scaled"](START, TRAINED, RNG)
    assert (sent["output/kernel"] == 50).all()
    assert (sent["output/bias"] == 0.25 - 100).all()


def test_random_weights_owe_nothing_to_the_start_or_to_training():
    one, other = (
        ATTACKS["random"](start, start, np.random.default_rng(3)) for start in (START, TRAINED)
    )
    assert all((one[name] == other[name]).all() for name in START)
    assert one["output/kernel"].std() > 0


def test_noise_is_as_long_as_what_honest_training_has_moved():
    sent = noisy(START, TRAINED, np.random.default_rng(1))
    noise = np.concatenate([(sent[name] - TRAINED[name]).ravel() for name in START])
    went = np.concatenate([(TRAINED[name] - START[name]).ravel() for name in START])
    assert np.linalg.norm(noise) == pytest.approx(np.linalg.norm(went), rel=1e-5)
    assert all(sent[name].dtype == np.float32 for name in START)


def test_nothing_is_what_was_sent():
    sent = unchanged(START, TRAINED, RNG)
    assert all((sent[name] == START[name]).all() for name in START)


def pictures(count=60):
    rng = np.random.default_rng(11)
    y = rng.integers(0, 2, count)
    return Pictures(rng.normal(0, 0.3, (count, 3)) + np.where(y, 1, -1)[:, None], y)


def site(attack=None, neighbours=None, is_first=False, count=60):
    neighbours = neighbours or Neighbours()
    rng = np.random.default_rng(5)
    return Site(STUDY.classes, pictures(count), FAR, attack, neighbours, is_first, rng)


def task(number):
    return Task(
        id=f"task-{number}",
        run="run",
        study=STUDY,
        plan=Plan(),
        round=number,
        base_round=number - 1,
        weights="0" * 64,
        signature=signature_of(START),
        seed=number,
    )


def sent_by(node, number, start=START):
    return asyncio.run(node.update(task(number), start))


def document_of(body, tmp_path):
    (tmp_path / "update").write_bytes(body)
    with open_blob(tmp_path / "update") as blob:
        return read_update_document(blob)


def accuracy(body):
    held, weights = pictures(), load(body)
    own = {"layer0/kernel": weights["output/kernel"], "layer0/bias": weights["output/bias"]}
    return (probabilities(own, held.x).argmax(axis=1) == held.y).mean()


def test_an_honest_node_learns_and_claims_what_it_measured(tmp_path):
    body = sent_by(site(), 2)
    said = document_of(body, tmp_path)
    # A fifth of the pictures only judge; two steps of up to 32 an epoch.
    assert (said.num_examples, said.num_steps) == (48, 40)
    assert said.metrics["val_examples"] == 12
    assert accuracy(body) > 0.9
    assert said.metrics["val_accuracy"] > 0.8
    assert sum(site().counts.values()) == 60


def test_wrong_labels_are_learnt_as_well_as_right_ones():
    assert accuracy(sent_by(site("labels"), 2)) < 0.1


@pytest.mark.parametrize("attack", KINDS)
def test_every_hostile_node_is_honest_first(attack):
    assert sent_by(site(attack), 1) == sent_by(site(), 1)


def test_a_replay_sends_the_last_honest_update_whatever_the_round_begins_with():
    node = site("replay")
    first = load(sent_by(node, 1))
    again = load(sent_by(node, 2, start=TRAINED))
    assert all((first[name] == again[name]).all() for name in START)


def test_a_copy_waits_for_the_neighbours_update_and_is_the_same():
    async def both():
        neighbours = Neighbours()
        first = site(neighbours=neighbours, is_first=True)
        copying = asyncio.ensure_future(site("copy", neighbours).update(task(2), START))
        body = await first.update(task(2), START)
        await asyncio.sleep(0)
        assert not copying.done()
        first.answered(task(2), OK)
        return load(body), load(await copying)

    original, copy = asyncio.run(both())
    assert all((original[name] == copy[name]).all() for name in START)


def test_an_inflated_claim_is_said_of_weights_that_are_worse(tmp_path):
    def claimed(attack):
        held, rng = pictures(60), np.random.default_rng(5)
        # Labels that no weights can tell from these pictures.
        held = Pictures(held.x, rng.permutation(held.y))
        one = Site(STUDY.classes, held, FAR, attack, Neighbours(), False, rng)
        return document_of(sent_by(one, 2), tmp_path).metrics

    assert claimed(None)["val_accuracy"] < 1
    assert claimed("inflated") == {"val_accuracy": 1.0, "val_examples": 12.0}


def test_only_an_attack_may_be_refused():
    with pytest.raises(FederationError, match="honest update"):
        site().answered(task(1), REJECTED)
    site("scaled").answered(task(2), REJECTED)


def test_weights_travel_under_the_models_own_names():
    assert set(load(sent_by(site("scaled"), 2))) == set(load(encode_weights(START)))
