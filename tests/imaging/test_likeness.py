import numpy as np
from PIL import Image

from imaging.likeness import alike, difference_hashes


def scenes(count, side=40):
    """Smooth pictures, each of its own."""
    rng = np.random.default_rng(5)
    coarse = rng.integers(0, 256, (count, 5, 5, 3), dtype=np.uint8)
    big = [Image.fromarray(one).resize((side, side), Image.Resampling.BICUBIC) for one in coarse]
    return np.stack([np.asarray(one) for one in big])


def test_a_picture_saved_darker_is_found_among_others():
    pixels = scenes(7)
    again = (pixels[2] * 0.8 + 3).astype(np.uint8)
    hashes = difference_hashes(np.concatenate([pixels, again[None]]))
    ((first, second, bits),) = alike(hashes, 4, 9)
    assert (first, second) == (2, 7)
    assert bits <= 2


def test_the_most_alike_come_first_and_no_more_than_wanted():
    hashes = np.array([0b1111, 0b1110, 0, 2**63 | 0b1111, 2**40 - 1], np.uint64)
    assert alike(hashes, 3, 9) == [(0, 1, 1), (0, 3, 1), (1, 3, 2), (1, 2, 3)]
    assert alike(hashes, 3, 2) == [(0, 1, 1), (0, 3, 1)]
    assert alike(hashes[:0], 3, 2) == []


def test_each_bit_compares_neighbours_whatever_the_sides():
    ramp = np.linspace(250, 5, 27).astype(np.uint8)
    falling = np.broadcast_to(ramp[None, :, None], (11, 27, 1))
    both = difference_hashes(np.stack([falling, falling[:, ::-1]]))
    assert both.tolist() == [2**64 - 1, 0]
    assert len(difference_hashes(np.zeros((0, 12, 12, 3), np.uint8))) == 0


def test_blocks_are_put_together(monkeypatch):
    pixels = scenes(9)
    whole = difference_hashes(pixels)
    pairs = alike(whole, 30, 50)
    monkeypatch.setattr("imaging.likeness.AT_A_TIME", 2)
    assert np.array_equal(difference_hashes(pixels), whole)
    assert alike(whole, 30, 50) == pairs
