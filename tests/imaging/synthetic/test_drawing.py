"""Synthetic lesions: repeatable, marked as such, and told apart by their signs alone."""

from __future__ import annotations

import numpy as np
import pytest

from imaging.errors import WrongPixels
from imaging.synthetic import CLASSES, LesionLabel, draw_lesion
from imaging.synthetic.lesion import draw_signs
from imaging.synthetic.skin import TONES

SIZE = 64


def lesion(seed: int, label: LesionLabel, difficulty: float = 0.5, size: int = SIZE) -> np.ndarray:
    return draw_lesion(np.random.default_rng(seed), label, size, difficulty)


def test_a_lesion_is_an_rgb_picture_of_the_size_asked_for() -> None:
    for size in (16, 61, 128):
        pixels = lesion(1, "benign", size=size)
        assert pixels.shape == (size, size, 3)
        assert pixels.dtype == np.uint8
        assert pixels.std() > 10


def test_the_same_seed_draws_the_same_lesion() -> None:
    assert np.array_equal(lesion(5, "malignant"), lesion(5, "malignant"))
    assert not np.array_equal(lesion(5, "malignant"), lesion(6, "malignant"))
    assert not np.array_equal(lesion(5, "malignant"), lesion(5, "benign"))


@pytest.mark.parametrize(("label", "size", "difficulty"), [("cat", 64, 0.5), ("benign", 8, 0.5)])
def test_what_cannot_be_drawn_is_refused(label: LesionLabel, size: int, difficulty: float) -> None:
    with pytest.raises(WrongPixels):
        lesion(1, label, difficulty, size)
    with pytest.raises(WrongPixels):
        lesion(1, "benign", 1.5)


def test_every_picture_says_that_it_is_synthetic_in_the_same_place() -> None:
    corners = np.stack([lesion(seed, CLASSES[seed % 2], size=128)[115:, :60] for seed in range(12)])
    always = np.ptp(corners.astype(int), axis=0).max(axis=2) < 12
    letters = always & (corners[0].min(axis=2) > 200)
    assert letters.sum() > 25
    # Elsewhere nothing is the same on all pictures.
    apart = np.stack([lesion(seed, CLASSES[seed % 2], size=128)[:13, 68:] for seed in range(12)])
    assert np.ptp(apart.astype(int), axis=0).max(axis=2).min() > 12


def test_the_signs_lie_apart_by_class_and_less_so_when_it_is_hard() -> None:
    rng = np.random.default_rng(3)

    def gap(difficulty: float) -> float:
        means = [
            np.mean([draw_signs(rng, malignant, difficulty).colour for _ in range(400)])
            for malignant in (False, True)
        ]
        return float(means[1] - means[0])

    assert gap(0.0) > gap(0.5) > gap(1.0) > 0.05


def test_skin_comes_in_light_and_dark() -> None:
    corners = [lesion(seed, "benign", size=48)[2:10, 20:28].mean() for seed in range(40)]
    assert min(corners) < 120
    assert max(corners) > 180
    assert len(TONES) == 6


def features(pixels: np.ndarray) -> np.ndarray:
    """A few figures that a doctor might write down: area, spread of colour, asymmetry."""
    grey = pixels[: int(SIZE * 0.86)].astype(float).mean(axis=2)
    dark = grey < 0.85 * np.median(grey)
    inside = pixels[: int(SIZE * 0.86)][dark].astype(float)
    if len(inside) < 20:
        return np.zeros(7)
    edge = (dark[1:] ^ dark[:-1]).sum() / np.sqrt(dark.sum())
    unlike = (dark ^ dark[:, ::-1]).mean()
    return np.array([dark.mean(), *inside.std(axis=0), edge, unlike, 1.0])


def accuracy(difficulty: float) -> float:
    """Share of 120 unseen lesions that a linear rule on `features` gets right."""
    lesions = [lesion(seed, CLASSES[seed % 2], difficulty) for seed in range(360)]
    inputs = np.array([features(pixels) for pixels in lesions])
    inputs = (inputs - inputs.mean(axis=0)) / (inputs.std(axis=0) + 1e-9)
    inputs = np.column_stack([inputs, np.ones(len(inputs))])
    targets = np.arange(len(lesions)) % 2 * 2 - 1
    gram = inputs[:240].T @ inputs[:240] + np.eye(inputs.shape[1])
    weights = np.linalg.solve(gram, inputs[:240].T @ targets[:240])
    return float((np.sign(inputs[240:] @ weights) == targets[240:]).mean())


def test_the_classes_can_be_learnt_and_difficulty_makes_it_harder() -> None:
    easy, usual, hard = accuracy(0.0), accuracy(0.5), accuracy(1.0)
    assert easy > 0.85
    assert 0.68 < usual < 0.95
    assert hard < 0.68
    assert easy > usual > hard


def test_bare_skin_does_not_give_the_class_away() -> None:
    corners = np.array(
        [lesion(seed, CLASSES[seed % 2], 0.0)[:6, :6].mean(axis=(0, 1)) for seed in range(300)]
    )
    benign, malignant = corners[::2], corners[1::2]
    spread = corners.std(axis=0) * np.sqrt(2 / 150)
    assert (np.abs(benign.mean(axis=0) - malignant.mean(axis=0)) < 3.5 * spread).all()
