"""Training: the same as Keras's own, reproducible, batch by batch, and it can be stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from federated.errors import FederationError, InvalidInput
from federated.plan import ModelChoice
from federated.training import Augmentation, Schedule, Training
from tests.models.fresh_process import digest
from tests.models.studies import a_study, shades
from tests.models.tiny import tiny_model, tiny_pictures

pytestmark = pytest.mark.usefixtures("keras_runtime")

STUDY = a_study(classes=3)
NO_DROPOUT = ModelChoice(name="cnn10", settings={"dropout": 0.0})


class Recorder:
    """Pictures that remember how many of them were asked for at a time."""

    def __init__(self, images: np.ndarray) -> None:
        self.images, self.asked = images, list[int]()
        self.shape, self.dtype = images.shape, images.dtype

    def __getitem__(self, index: Any) -> np.ndarray:
        batch = self.images[index]
        self.asked.append(len(batch))
        return batch


@pytest.mark.parametrize(("optimizer", "learning_rate"), [("adam", 2e-3), ("sgd", 5e-2)])
def test_it_computes_what_keras_computes(optimizer: Any, learning_rate: float) -> None:
    import keras

    from models.fit import fit
    from models.named import build_model
    from models.training.epochs import batch_order

    images, labels = shades(STUDY, 43)
    training = Training(epochs=3, batch_size=10, optimizer=optimizer, learning_rate=learning_rate)
    ours = build_model(STUDY, NO_DROPOUT, seed=1)
    result = fit(ours, images, labels, training, seed=4)

    theirs = build_model(STUDY, NO_DROPOUT, seed=1)
    make = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD}[optimizer]
    theirs.keras_model.compile(
        make(learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    rng = np.random.default_rng(4)
    for figures in result.history:
        order = batch_order(43, 10, rng)
        plain = theirs.keras_model.fit(
            images[order], labels[order], batch_size=10, shuffle=False, verbose=0
        ).history
        assert figures.loss == pytest.approx(plain["loss"][0], rel=1e-4)
        assert figures.accuracy == pytest.approx(plain["accuracy"][0])
    for name, array in theirs.read().items():
        # A fortieth of a step: Adam takes a gradient that is mere rounding for a whole one.
        np.testing.assert_allclose(ours.read()[name], array, rtol=1e-3, atol=5e-5)
    assert (result.num_examples, result.num_steps, result.epochs) == (43, 15, 3)


def test_an_architectures_own_penalties_count_as_in_keras() -> None:
    import keras

    from models.fit import fit
    from models.named import NamedModel

    pixels = keras.Input((4, 4, 1))
    flat = keras.layers.Flatten(name="flatten")(pixels)
    penalty = keras.regularizers.L2(0.1)
    start = keras.initializers.Constant(0.01)
    output = keras.layers.Dense(2, "softmax", True, start, "zeros", penalty, name="output")(flat)
    model = NamedModel(keras.Model(pixels, output))
    images = np.zeros((3, 4, 4, 1), np.uint8)
    result = fit(model, images, np.array([0, 1, 0]), Training(batch_size=3), seed=0)
    # Black pictures: both classes at 1/2, and 32 weights of 0.01 under the penalty.
    assert result.history[0].loss == pytest.approx(np.log(2) + 0.1 * 32 * 0.01**2)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_each_call_starts_with_a_fresh_optimiser_and_compiles_nothing_again(optimizer: Any) -> None:
    from models.fit import fit
    from models.named import build_model

    model = build_model(STUDY, ModelChoice(), seed=1)
    start = model.read()
    ends = []
    for learning_rate, seed, num_examples in [(1e-3, 9, 21), (3e-2, 2, 17), (1e-3, 9, 21)]:
        model.assign(start)
        training = Training(batch_size=6, optimizer=optimizer, learning_rate=learning_rate)
        fit(model, *shades(STUDY, num_examples), training, seed)
        ends.append(digest(model.read()))
    assert ends[0] == ends[2] != ends[1]
    program = _program(model, optimizer=optimizer)
    assert is_compiled_once(program)


def test_the_seed_decides_the_order_and_the_dropout() -> None:
    from models.fit import fit
    from models.named import build_model
    from models.training.epochs import batch_order

    first, again, other = (
        batch_order(11, 4, np.random.default_rng(seed)).tolist() for seed in (3, 3, 4)
    )
    assert first == again != other
    assert sorted(first) == list(range(11))

    ends = []
    for seed in (3, 4):
        model = build_model(STUDY, ModelChoice(settings={"dropout": 0.9}), seed=0)
        # One batch holds all pictures, so that only dropout can differ.
        fit(model, *shades(STUDY, 9), Training(batch_size=9), seed)
        ends.append(digest(model.read()))
    assert ends[0] != ends[1]


def test_a_memory_mapped_array_is_never_read_whole(tmp_path: Path) -> None:
    from models.fit import fit
    from models.named import build_model

    images, labels = shades(STUDY, 40)
    mapped = np.memmap(tmp_path / "pixels", np.uint8, "w+", shape=images.shape)
    mapped[:] = images
    ends = []
    for pictures in (images, mapped, Recorder(images)):
        model = build_model(STUDY, ModelChoice(), seed=0)
        fit(model, pictures, labels, Training(epochs=2, batch_size=16), seed=0)
        ends.append(digest(model.read()))
    assert len(set(ends)) == 1
    assert pictures.asked == [16, 16, 8] * 2


def test_progress_is_told_a_few_times_an_epoch() -> None:
    from models.fit import fit
    from models.named import build_model

    told: list[tuple[int, int, int, int, float, float]] = []
    model = build_model(STUDY, ModelChoice(), seed=0)
    result = fit(
        model,
        *shades(STUDY, 33),
        Training(epochs=2, batch_size=3),
        seed=0,
        on_progress=lambda *figures: told.append(figures),
    )
    assert [entry[:4] for entry in told] == [
        (epoch, 2, step, 11) for epoch in (1, 2) for step in (3, 6, 9, 11)
    ]
    assert [told[3][4], told[7][4]] == [figures.loss for figures in result.history]
    assert [told[3][5], told[7][5]] == [figures.accuracy for figures in result.history]


def test_it_stops_between_steps_when_asked() -> None:
    from models.fit import fit
    from models.named import build_model

    answers = iter([False] * 5 + [True])
    model = build_model(STUDY, ModelChoice(), seed=0)
    result = fit(
        model,
        *shades(STUDY, 12),
        Training(epochs=3, batch_size=4),
        seed=0,
        should_stop=lambda: next(answers),
    )
    assert (result.num_steps, result.epochs, result.stopped) == (5, 1, True)
    assert len(result.history) == 1


def test_no_epochs_leave_the_weights_alone() -> None:
    from models.fit import fit
    from models.named import build_model

    model = build_model(STUDY, ModelChoice(), seed=0)
    before = digest(model.read())
    result = fit(model, *shades(STUDY, 5), Training(epochs=0), seed=0)
    assert digest(model.read()) == before
    assert (result.num_examples, result.num_steps, result.history) == (5, 0, ())


def test_preparing_compiles_and_changes_nothing() -> None:
    from models.fit import fit, prepare
    from models.named import build_model

    ends = []
    for is_prepared in (False, True):
        model = build_model(STUDY, ModelChoice(), seed=0)
        before = digest(model.read())
        if is_prepared:
            prepare(model, Training())
            assert is_compiled_once(_program(model))
            assert digest(model.read()) == before
        fit(model, *shades(STUDY, 10), Training(batch_size=4), seed=0)
        assert is_compiled_once(_program(model))
        ends.append(digest(model.read()))
    assert ends[0] == ends[1]


def test_one_picture_is_enough() -> None:
    from models.fit import fit
    from models.named import build_model

    model = build_model(STUDY, ModelChoice(), seed=0)
    before = digest(model.read())
    assert fit(model, *shades(STUDY, 1), Training(), seed=0).num_steps == 1
    assert digest(model.read()) != before


def test_a_training_that_diverges_says_so() -> None:
    from models.fit import fit
    from models.named import build_model

    model = build_model(STUDY, ModelChoice(), seed=0)
    model.assign(model.read() | {"output/bias": np.full(3, np.nan, np.float32)})
    with pytest.raises(FederationError, match="diverged in epoch 1") as error:
        fit(model, *shades(STUDY, 12), Training(), seed=0)
    assert error.value.code == "training_diverged"


@pytest.mark.parametrize(
    ("images", "labels", "said"),
    [
        (np.zeros((4, 20, 20, 3), np.float32), np.zeros(4, int), "uint8"),
        (np.zeros((4, 20, 21, 3), np.uint8), np.zeros(4, int), "20, 20, 3"),
        (np.zeros((4, 20, 20), np.uint8), np.zeros(4, int), "20, 20, 3"),
        (np.zeros((4, 20, 20, 3), np.uint8), np.zeros(3, int), "integers"),
        (np.zeros((4, 20, 20, 3), np.uint8), np.zeros(4), "integers"),
        (np.zeros((4, 20, 20, 3), np.uint8), np.array([0, 1, 2, 3]), "from 0 to 2"),
        (np.zeros((4, 20, 20, 3), np.uint8), np.array([0, 1, -1, 2]), "from 0 to 2"),
        (np.zeros((0, 20, 20, 3), np.uint8), np.zeros(0, int), "at least one"),
    ],
)
def test_what_does_not_fit_is_refused(images: np.ndarray, labels: np.ndarray, said: str) -> None:
    from models.fit import fit
    from models.named import build_model

    model = build_model(STUDY, ModelChoice(), seed=0)
    with pytest.raises(InvalidInput, match=said):
        fit(model, images, labels, Training(), seed=0)


def _head() -> Any:
    """A model of features, as `FeatureSplit.head` is one."""
    import keras

    from models.named import NamedModel

    features = keras.Input((4,), name="features")
    output = keras.layers.Dense(3, "softmax", name="output")(features)
    return NamedModel(keras.Model(features, output))


def test_a_head_learns_from_features() -> None:
    from models.fit import fit, prepare
    from models.predict import predict

    labels = np.arange(30) % 3
    features = np.random.default_rng(0).normal(labels[:, None], 0.1, (30, 4)).astype(np.float32)
    model = _head()
    training = Training(epochs=40, batch_size=10, learning_rate=0.1)
    prepare(model, training)
    result = fit(model, features, labels, training, seed=0)
    assert result.history[-1].accuracy > 0.9 > result.history[0].accuracy
    assert predict(model, features, 7).argmax(axis=1).tolist() == labels.tolist()
    with pytest.raises(InvalidInput, match=r"float32 \(n, 4\)"):
        fit(model, features.astype(np.float64), labels, training, seed=0)
    flips = Training(augmentation=Augmentation(horizontal_flip=True))
    with pytest.raises(InvalidInput, match="Only pictures"):
        fit(model, features, labels, flips, seed=0)


def test_what_is_frozen_stays_and_costs_no_gradient() -> None:
    import keras

    from models.fit import fit, program_for

    images, labels = tiny_pictures(12)
    model = tiny_model(norm=True)
    whole = tiny_model(norm=True)
    for layer in ("conv", "norm"):
        model.keras_model.get_layer(layer).trainable = False
    before = model.read()
    training = Training(learning_rate=0.1, weight_decay=0.1)
    fit(model, images, labels, training, seed=0)
    for name, array in model.read().items():
        assert np.array_equal(array, before[name]) == (not name.startswith("output")), name

    if keras.config.backend() != "tensorflow":
        pytest.skip("What is computed can be looked at in TensorFlow's graph only.")

    def backward_convolutions(of: Any) -> int:
        # What runs, once what nobody asks for is pruned away.
        graph = program_for(of, training)._steps.get_concrete_function().graph
        functions = graph._functions.values() if hasattr(graph, "_functions") else ()
        nodes = [node for function in functions for node in function.definition.node_def]
        return sum("Backprop" in node.op for node in nodes)

    fit(whole, images, labels, training, seed=0)
    assert backward_convolutions(model) == 0 < backward_convolutions(whole)


def test_numbers_of_a_plan_compile_nothing_again() -> None:
    from models.fit import fit

    model = tiny_model()
    images, labels = tiny_pictures(12)
    start = model.read()
    ends = []
    for strength in (0.1, 0.4):
        settings: dict[str, Any] = {
            "learning_rate": strength,
            "schedule": Schedule(kind="cosine", warmup=strength),
            "weight_decay": strength,
            "clip_norm": strength,
            "proximal": strength,
            "class_weights": "balanced",
            "augmentation": Augmentation(rotation=strength, brightness=strength),
        }
        model.assign(start)
        fit(model, images, labels, Training(batch_size=4, **settings), seed=0)
        ends.append(digest(model.read()))
    assert ends[0] != ends[1]
    assert is_compiled_once(_program(model, **settings))


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "focal", "smooth_l1"])
def test_every_loss_learns(loss: Any) -> None:
    from models.fit import fit

    model = tiny_model()
    training = Training(epochs=12, batch_size=6, learning_rate=0.1, loss=loss)
    history = fit(model, *tiny_pictures(18), training, seed=0).history
    assert history[-1].loss < 0.5 * history[0].loss


def test_classes_weigh_as_asked() -> None:
    from models.fit import fit

    images, labels = tiny_pictures(8, classes=2)
    few = np.array([0, 1, 2, 4, 6])
    # 4 of class 0 and 1 of class 1: with balance, as good as each class four times.
    repeated = np.concatenate([few, [1, 1, 1]])
    ends = []
    for chosen, weights in ((few, "balanced"), (repeated, "none")):
        model = tiny_model(classes=2)
        training = Training(optimizer="sgd", learning_rate=0.5, class_weights=weights)
        fit(model, images[chosen], labels[chosen], training, seed=0)
        ends.append(model.read())
    for name, array in ends[0].items():
        np.testing.assert_allclose(array, ends[1][name], rtol=1e-5, atol=1e-7)


def test_pictures_are_augmented_anew_by_the_seed_and_keep_their_labels() -> None:
    from models.fit import fit

    images, labels = tiny_pictures(9)
    kept = images.copy(), labels.copy()
    settings = {"epochs": 2, "batch_size": 4}
    model = tiny_model()
    start, ends = model.read(), []
    for seed, turns in ((1, True), (1, True), (2, True), (1, False)):
        model.assign(start)
        asked = Augmentation(horizontal_flip=turns, quarter_turns=turns)
        fit(model, images, labels, Training(augmentation=asked, **settings), seed)
        ends.append(digest(model.read()))
    assert ends[0] == ends[1]
    assert len(set(ends)) == 3
    assert np.array_equal(images, kept[0])
    assert np.array_equal(labels, kept[1])


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_learns_and_keeps_float32_weights(precision: Any) -> None:
    from models.fit import fit, program_for
    from models.named import build_model

    study = a_study(classes=3)
    model = build_model(study, NO_DROPOUT, seed=1, precision=precision)
    training = Training(epochs=3, batch_size=10, precision=precision)
    history = fit(model, *shades(study, 40), training, seed=4).history
    assert history[-1].loss < 0.5 * history[0].loss
    assert {array.dtype.name for array in model.read().values()} == {"float32"}
    is_scaled = program_for(model, training)._learner.scaled(1.0) != 1.0
    assert is_scaled == (precision == "mixed_float16")


def is_compiled_once(program: Any) -> bool:
    """Whether TensorFlow compiled the steps once; the other backends do not say."""
    import keras

    return keras.config.backend() != "tensorflow" or program.num_compilations == 1


def _program(model: Any, **settings: Any) -> Any:
    """The steps that a training with these settings has compiled already."""
    from models.training.recipe import Recipe

    return model.program(f"train/{Recipe.of(Training(**settings))}", pytest.fail)
