"""Pictures changed as was drawn: exactly where only pixels move, within range everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from federated.errors import InvalidInput
from federated.training import Augmentation

pytestmark = pytest.mark.usefixtures("keras_runtime")

ALL = Augmentation(
    horizontal_flip=True,
    vertical_flip=True,
    quarter_turns=True,
    rotation=30,
    zoom=0.2,
    brightness=0.2,
    contrast=0.3,
    saturation=0.5,
    hue=0.1,
)
TURNS = Augmentation(horizontal_flip=True, vertical_flip=True, quarter_turns=True)


def pictures(count: int = 6, shape: tuple[int, ...] = (5, 5, 3)) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)


def changed(asked: Augmentation, images: np.ndarray, draws: np.ndarray) -> np.ndarray:
    import keras

    from models.training.augmentation import Stages, augmented

    tensors = map(keras.ops.convert_to_tensor, (images, draws))
    result = augmented(Stages.of(asked), *tensors)
    return np.asarray(keras.ops.convert_to_numpy(result))


def drawn(asked: Augmentation, count: int, seed: int = 0, channels: int = 3) -> np.ndarray:
    from models.training.augmentation import draw

    return draw(asked, channels, count, np.random.default_rng(seed))


def squares(images: np.ndarray) -> set[bytes]:
    """All eight ways to lay one picture."""
    turned = [np.rot90(images, quarters) for quarters in range(4)]
    return {view.tobytes() for one in turned for view in (one, one[:, ::-1])}


def test_flags_move_pixels_and_change_none() -> None:
    images = pictures()
    flags = np.array([[t, d, a] for t in (0, 1) for d in (0, 1) for a in (0, 1)], np.float32)
    whole = np.repeat(images[:1], 8, axis=0)
    moved = changed(TURNS, whole, flags)
    assert moved.dtype == np.uint8
    for result, (transpose, down, across) in zip(moved, flags, strict=True):
        expected = images[0].transpose(1, 0, 2) if transpose else images[0]
        expected = expected[:: -1 if down else 1, :: -1 if across else 1]
        np.testing.assert_array_equal(result, expected)


def test_a_flip_of_a_flip_is_the_picture() -> None:
    images, flags = pictures(), np.array([[0, d, a] for d in (0, 1) for a in (0, 0, 1)], np.float32)
    np.testing.assert_array_equal(changed(TURNS, changed(TURNS, images, flags), flags), images)


@pytest.mark.parametrize(
    ("asked", "ways"),
    [
        (Augmentation(horizontal_flip=True), 2),
        (Augmentation(vertical_flip=True), 2),
        (Augmentation(quarter_turns=True), 4),
        (Augmentation(horizontal_flip=True, vertical_flip=True), 4),
        (TURNS, 8),
    ],
)
def test_every_way_to_lay_a_picture_comes_as_often(asked: Augmentation, ways: int) -> None:
    images = np.repeat(pictures(1), 800, axis=0)
    results = [one.tobytes() for one in changed(asked, images, drawn(asked, 800))]
    counts = {way: results.count(way) for way in set(results)}
    assert len(counts) == ways
    assert set(counts) <= squares(images[0])
    assert min(counts.values()) > 0.7 * 800 / ways


def test_quarter_turns_alone_mirror_nothing() -> None:
    asked = Augmentation(quarter_turns=True)
    images = np.repeat(pictures(1), 50, axis=0)
    turns = {np.rot90(images[0], quarters).tobytes() for quarters in range(4)}
    assert {one.tobytes() for one in changed(asked, images, drawn(asked, 50))} == turns


def test_resampling_lays_pictures_as_turns_do() -> None:
    # A zoom of next to nothing sends the same flips and turns through the resampling.
    resampled = TURNS.model_copy(update={"zoom": 1e-9})
    images = pictures(40)
    expected = changed(TURNS, images, drawn(TURNS, 40))
    result = changed(resampled, images, drawn(resampled, 40))
    np.testing.assert_allclose(result, expected, atol=0.05)


def test_a_turn_by_so_many_degrees_and_a_zoom() -> None:
    from models.training.augmentation import draw

    class Highest:
        def random(self, shape: Any) -> np.ndarray:
            return np.ones(shape)

    mark = np.zeros((1, 21, 21, 1), np.uint8)
    mark[0, 10, 15] = 255
    asked = Augmentation(rotation=90, zoom=0.4)
    result = changed(asked, mark, draw(asked, 1, 1, Highest()))  # type: ignore[arg-type]
    down, across = np.unravel_index(result[0, :, :, 0].argmax(), (21, 21))
    # Five pixels right of the centre: now seven below or above it.
    assert (abs(int(down) - 10), int(across)) == (7, 10)


def test_colours_keep_the_range_and_the_order_of_pixels() -> None:
    asked = Augmentation(brightness=0.5, contrast=0.9, saturation=1, hue=0.5)
    result = changed(asked, pictures(30), drawn(asked, 30))
    assert result.dtype == np.float32
    assert result.min() == 0
    assert result.max() == 255


def test_brightness_and_contrast_on_worked_numbers() -> None:
    images = np.array([10, 50], np.uint8).reshape(1, 1, 2, 1)
    asked = Augmentation(brightness=0.1, contrast=0.5)
    # Contrast 1.5 about the mean of 30, then 20 lighter.
    result = changed(asked, images, np.array([[1.5, 20.0, 1.5]], np.float32))
    np.testing.assert_allclose(result.ravel(), [20, 80])


def test_saturation_and_hue_keep_the_brightness_and_leave_grey_alone() -> None:
    from models.training.augmentation import LUMA

    asked = Augmentation(saturation=0.3, hue=0.05)
    calm = np.clip(pictures(8), 100, 150)
    result = changed(asked, calm, drawn(asked, 8))
    np.testing.assert_allclose(result @ LUMA, calm @ np.array(LUMA), atol=0.1)
    assert np.abs(result - calm).mean() > 1
    grey = np.repeat(calm[..., :1], 3, axis=-1)
    np.testing.assert_allclose(changed(asked, grey, drawn(asked, 8)), grey, atol=0.1)
    one = calm[..., :1]
    np.testing.assert_allclose(changed(asked, one, drawn(asked, 8, channels=1)), one, atol=1e-3)


def test_no_saturation_is_grey_and_a_third_of_the_circle_turns_red_to_green() -> None:
    from models.training.colour_matrix import colour_matrices

    paled, turned = colour_matrices(3, np.array([0.0, 1.0]), np.array([0.0, 2 * np.pi / 3]))
    red, green, blue = paled @ [255.0, 0.0, 0.0]
    assert red == pytest.approx(green) == pytest.approx(blue) == pytest.approx(255 * 0.299)
    assert int(np.argmax(turned @ [255.0, 0.0, 0.0])) in (1, 2)


def test_draws_are_seeded_and_alike_in_chunks_of_any_size() -> None:
    from models.training.augmentation import draw

    whole = drawn(ALL, 10, seed=3)
    assert np.array_equal(whole, drawn(ALL, 10, seed=3))
    assert not np.array_equal(whole, drawn(ALL, 10, seed=4))
    rng = np.random.default_rng(3)
    np.testing.assert_array_equal(whole, np.concatenate([draw(ALL, 3, n, rng) for n in (4, 1, 5)]))
    assert len({row.tobytes() for row in whole}) == 10


@pytest.mark.parametrize("asked", [Augmentation(), TURNS, ALL])
def test_no_pictures_need_no_draws(asked: Augmentation) -> None:
    assert drawn(asked, 0).shape == (0, drawn(asked, 1).shape[1])


def test_nothing_asked_is_nothing_done() -> None:
    images = pictures()
    np.testing.assert_array_equal(changed(Augmentation(), images, drawn(Augmentation(), 6)), images)


@pytest.mark.parametrize(
    ("asked", "shape", "said"),
    [
        (Augmentation(horizontal_flip=True), (7,), "Only pictures"),
        (Augmentation(quarter_turns=True), (5, 6, 3), "Only square"),
    ],
)
def test_what_cannot_be_augmented_is_refused(
    asked: Augmentation, shape: tuple[int, ...], said: str
) -> None:
    from models.training.augmentation import check_augmentation

    with pytest.raises(InvalidInput, match=said):
        check_augmentation(asked, shape)
    check_augmentation(Augmentation(), shape)


def test_a_picture_higher_than_wide_can_be_mirrored() -> None:
    asked = Augmentation(horizontal_flip=True, vertical_flip=True)
    images = pictures(1, (4, 6, 3))
    result = changed(asked, images, np.array([[0, 1, 1]], np.float32))
    np.testing.assert_array_equal(result[0], images[0, ::-1, ::-1])
