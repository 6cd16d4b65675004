"""Models with a frozen part, trained by a real trainer process on pictures of 32 px."""

import hashlib
import io
import os
import stat

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load

from child.feature_array import FeatureArray
from child.prediction import Wish
from child.training_request import drafts_of, feature_key, training_request
from child.worker_messages import Examples
from federated.messages import StudyPush
from federated.plan import AssignedBatches, ModelChoice, Plan, Privacy, StrategyChoice
from federated.plan import Training as Settings
from federated.study import Study
from federated.wire import encode_weights
from imaging.array_file import PixelArray
from imaging.resize import to_model_pixels
from tests.child.bench import Bench
from tests.child.conftest import named, task_of
from tests.child.test_prediction import InThisProcess

STUDY = Study(id="skin", name="Skin lesions", classes=("benign", "malignant"), size=32)
SETTINGS = Settings(epochs=2, batch_size=4, validation_fraction=0.25, learning_rate=0.01)
FEATURES = Plan(
    model=ModelChoice(name="mobilenet", settings={"head": "deep"}, trained="features"),
    training=SETTINGS,
    privacy=Privacy(min_examples=3),
)
LOCAL = FEATURES.model_copy(update={"strategy": StrategyChoice(batch_norm="local")})


@pytest.fixture(scope="module")
def initial(keras_runtime):
    """The initial model, built once: its parts for a push, its blobs by hash, and itself."""
    from models.named import build_model

    model = build_model(STUDY, FEATURES.model, seed=3)
    weights, frozen = encode_weights(model.read()), encode_weights(model.read_frozen())
    blobs = {hashlib.sha256(blob).hexdigest(): blob for blob in (weights, frozen)}
    travelling, still = blobs
    parts = {
        "weights": travelling,
        "signature": model.signature,
        "frozen": still,
        "frozen_signature": model.frozen,
    }
    return parts, blobs, model


@pytest.fixture
def bench_of(site, worker, initial):
    """A site with twelve pictures that holds the initial model of a plan."""

    def make(plan):
        parts, blobs, _ = initial
        push = StudyPush(study=STUDY, plan=plan, **parts)
        missing = site.child.models.push(push)
        assert set(missing) == set(blobs)
        for blob in blobs.values():
            site.child.blobs.put(blob)
        assert site.child.models.push(push) == ()
        site.upload(*named(12))
        bench = Bench(site, worker)
        bench.push = push
        return bench

    return make


def feature_file(bench):
    (path,) = (bench.child.state.pictures / "skin").glob("features-*")
    return path


def notes(bench):
    return [progress.note for progress in bench.progress if progress.note]


def test_only_the_head_is_trained_and_travels(bench_of):
    bench = bench_of(FEATURES)
    held = bench.do(whole_task(bench.push))
    assert (held.state, held.failure) == ("delivering", None)
    document, tensors = bench.update(held)
    assert set(tensors) == set(bench.push.signature.names)
    assert (document.num_examples, document.metrics["val_examples"]) == (9, 3)
    before = load(bench.child.blobs.path(bench.push.weights).read_bytes())
    assert any((tensors[name] != before[name]).any() for name in tensors)
    assert notes(bench) == ["computing features 0 of 12"]


def test_only_the_head_has_control_variates(bench_of):
    plan = FEATURES.model_copy(update={"strategy": StrategyChoice(name="scaffold")})
    bench = bench_of(plan)
    held = bench.do(whole_task(bench.push))
    assert (held.state, held.failure) == ("delivering", None)
    tensors = bench.update(held)[1]
    trained = [spec.name for spec in bench.push.signature.tensors if spec.trainable]
    extras = {name for name in tensors if name.startswith("extra/")}
    assert extras == {f"extra/control/{name}" for name in trained}
    assert 0 < len(trained) < len(bench.push.signature.tensors)


def test_the_next_task_finds_the_features_there(bench_of):
    bench = bench_of(FEATURES)
    first = bench.update(bench.do(whole_task(bench.push, "task-1")))[1]
    bench.progress.clear()
    again = bench.update(bench.do(whole_task(bench.push, "task-2")))[1]
    assert notes(bench) == []
    for name, tensor in first.items():
        np.testing.assert_array_equal(tensor, again[name])


def test_features_are_those_that_the_frozen_network_makes(bench_of, initial):
    bench = bench_of(FEATURES)
    bench.do(whole_task(bench.push))
    split = initial[2].features
    stored = FeatureArray(feature_file(bench), split.width).open()
    pixels = bench.child.folder.array(STUDY).open()
    np.testing.assert_allclose(stored[:, 1:], split.extract(pixels), rtol=1e-4, atol=1e-5)


def test_features_are_private_and_go_with_their_picture(bench_of, site):
    bench = bench_of(FEATURES)
    bench.do(whole_task(bench.push))
    path = feature_file(bench)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    picture, row = next(iter(bench.child.pictures.places("skin").items()))
    answer = site.client.delete(f"/api/v1/images/{picture}?study=skin", headers=site.site)
    assert answer.status_code in (200, 204), answer.text
    stored = FeatureArray(path, 256).open()
    assert not stored[row].any()
    assert np.delete(stored, row, axis=0)[:, 0].all()


def test_features_of_pictures_that_no_row_makes_real_go_at_the_next_start(bench_of):
    bench = bench_of(FEATURES)
    bench.do(whole_task(bench.push))
    places = bench.child.pictures.places("skin")
    kept = dict(list(places.items())[:5])
    bench.child.folder.tidy(STUDY, kept)
    stored = FeatureArray(feature_file(bench), 256).open()
    assert sorted(np.flatnonzero(stored[:, 0])) == sorted(kept.values())


def test_features_of_the_latest_models_alone_are_kept(bench_of):
    folder = bench_of(FEATURES).child.folder
    for number, key in enumerate(("one", "two", "three", "four", "five")):
        path = folder.features(STUDY, key)
        path.write_bytes(b"features")
        os.utime(path, (number, number))
    names = sorted(path.name for path in path.parent.glob("features-*"))
    assert names == [f"features-{key}.f32" for key in ("five", "four", "three", "two")]


def test_another_head_learns_from_the_same_features(bench_of):
    task = whole_task(bench_of(FEATURES).push)
    key = feature_key(task)

    def key_with(**settings):
        model = FEATURES.model.model_copy(update={"settings": settings})
        plan = FEATURES.model_copy(update={"model": model})
        return feature_key(task.model_copy(update={"plan": plan}))

    assert key_with(head="plain", dropout=0.6) == key
    assert key_with(head="deep", alpha=0.5) != key
    assert feature_key(task.model_copy(update={"frozen": "0" * 64})) != key


def test_a_task_whose_frozen_part_is_not_the_sites_is_refused(bench_of):
    bench = bench_of(FEATURES)
    unfrozen = task_of(bench.push)
    assert unfrozen.frozen is None
    held = bench.do(unfrozen)
    assert held.failure.code == "signature_mismatch"
    assert "frozen" in held.failure.detail


def test_features_of_public_pictures_are_gone_with_their_task(bench_of, worker):
    bench = bench_of(FEATURES)
    data = AssignedBatches(kind="batches", url="/srv/batches")
    plan = FEATURES.model_copy(update={"data": data})
    task = whole_task(bench.push, plan=plan)

    def gather(path):
        noise = np.random.default_rng(2).integers(0, 256, (7, *STUDY.picture_shape), np.uint8)
        PixelArray(path, STUDY.picture_shape).append(noise)
        return Examples(rows=(0, 2, 3, 6), labels=(0, 1, 0, 1)), Examples(rows=(5,), labels=(1,))

    request = training_request(task, bench.site, gather)
    worker.call("train", request.model_dump(mode="json"))
    made = FeatureArray(request.features, 256).open()
    assert np.flatnonzero(made[:, 0]).tolist() == [0, 2, 3, 5, 6]
    assert load(request.update.read_bytes()).keys() == set(bench.push.signature.names)
    assert not list((bench.child.state.pictures / "skin").glob("features-*"))
    drafts_of(task, bench.site).remove()
    assert list(bench.child.state.drafts.iterdir()) == []


def test_a_site_keeps_its_own_statistics_from_round_to_round(bench_of):
    bench = bench_of(LOCAL)
    names = bench.push.signature.statistics
    assert names
    first = bench.update(bench.do(own_task(bench.push, "task-1")))[1]
    kept = load(bench.child.statistics.of_run("run-1").read_bytes())
    assert set(kept) == set(names)
    for name in names:
        np.testing.assert_array_equal(kept[name], first[name])
    # Nothing is trained: what the second update says of the statistics is what was put on.
    still = own_task(bench.push, "task-2", epochs=0)
    second = bench.update(bench.do(still))[1]
    before = load(bench.child.blobs.path(bench.push.weights).read_bytes())
    for name, tensor in second.items():
        np.testing.assert_array_equal(tensor, (kept if name in names else before)[name])


def test_a_site_predicts_with_its_own_statistics(bench_of, initial, tmp_path):
    from models.predict import predict

    bench, model = bench_of(LOCAL), initial[2]
    push = bench.push.model_copy(update={"run": "run-1", "round": 1})
    bench.child.models.push(push)
    bench.child.predictor._worker = InThisProcess()
    file = named(1)[0][1]
    given = bench.child.predictor.predict("skin", file, Wish(explain=False))
    own = {name: tensor + 0.5 for name, tensor in model.read().items() if name in kept_of(push)}
    draft = tmp_path / "draft"
    draft.write_bytes(encode_weights(own))
    bench.child.statistics.keep("run-1", draft)
    answer = bench.child.predictor.predict("skin", file, Wish(explain=False))
    assert (given.own_statistics, answer.own_statistics) == (False, True)
    before = model.read()
    model.assign(before | own)
    pixels = to_model_pixels(np.array(Image.open(io.BytesIO(file))), STUDY.size, STUDY.channels)
    expected = dict(zip(STUDY.classes, predict(model, pixels[None])[0], strict=True))
    model.assign(before)
    assert answer.raw_probabilities == pytest.approx(expected, abs=1e-5)
    assert answer.raw_probabilities != pytest.approx(given.raw_probabilities, abs=1e-5)


def kept_of(push):
    return set(push.signature.statistics)


def test_another_run_begins_with_the_statistics_that_it_is_given(bench_of):
    bench = bench_of(LOCAL)
    bench.do(own_task(bench.push, "task-1"))
    other = own_task(bench.push, "task-2", epochs=0).model_copy(update={"run": "run-2"})
    tensors = bench.update(bench.do(other))[1]
    before = load(bench.child.blobs.path(bench.push.weights).read_bytes())
    for name in bench.push.signature.statistics:
        np.testing.assert_array_equal(tensors[name], before[name])


def whole_task(push, name="task-1", **changes):
    """A task on all of a model."""
    parts = {"frozen": push.frozen, "frozen_signature": push.frozen_signature}
    return task_of(push, name, **{**parts, **changes})


def own_task(push, name, epochs=2):
    training = push.plan.training.model_copy(update={"epochs": epochs})
    plan = push.plan.model_copy(update={"training": training})
    return whole_task(push, name, plan=plan)
