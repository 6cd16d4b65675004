"""Skin as a dermatoscope shows it: tones, texture, light and hairs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from imaging.synthetic.fields import Field, clouds, noise, step

Colours = npt.NDArray[np.float32]
"""float32 `(size, size, 3)`, RGB, 0-255."""

TONES = (
    (236, 196, 180),
    (230, 184, 164),
    (222, 172, 148),
    (206, 152, 124),
    (178, 122, 94),
    (138, 92, 70),
)
"""Six tones from very light to dark, as they look under a dermatoscope's light."""


def draw_skin(rng: np.random.Generator, size: int) -> Colours:
    """Bare skin of a random tone: mottled, with fine furrows."""
    tone = np.array(TONES[rng.integers(len(TONES))], np.float32) + rng.normal(0, 3.5, 3)
    blood = clouds(rng, size, 3)[..., None] * np.array([1.0, -3.2, -2.6])
    light = clouds(rng, size, 5)[..., None] * np.array([3.0, 3.0, 3.0])
    creases = [noise(rng, size, int(rng.integers(14, 22))) for _ in range(2)]
    furrows = sum(np.exp(-((crease / 0.22) ** 2)) for crease in creases) * rng.uniform(1.5, 5)
    grain = noise(rng, size, max(size // 2, 4)) * 1.6
    return np.asarray(tone + blood + light - (furrows + grain)[..., None], dtype=np.float32)


def light(rng: np.random.Generator, x: Field, y: Field, colours: Colours) -> Colours:
    """`colours` under a lamp: brighter to one side, darker to the edge, now and then a rim."""
    side, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.07)
    falling = 1 + strength * (x * np.cos(side) + y * np.sin(side))
    distance = np.hypot(x - rng.normal(0, 0.05), y - rng.normal(0, 0.05)).astype(np.float32)
    vignette = 1 - rng.uniform(0.08, 0.24) * np.clip(distance, 0, 1.4) ** 3
    if rng.random() < 0.25:
        vignette = vignette * (1 - 0.9 * step(rng.uniform(1.16, 1.32), 0.04, distance))
    return np.asarray(colours * (falling * vignette)[..., None], dtype=np.float32)


def draw_hairs(rng: np.random.Generator, colours: Colours) -> Colours:
    """`colours` with a few hairs across, or none."""
    size = len(colours)
    count = int(rng.poisson(2.5)) if rng.random() < 0.5 else 0
    if not count:
        return colours
    scale = 4
    mask = Image.new("L", (size * scale, size * scale))
    pen = ImageDraw.Draw(mask)
    for _ in range(count):
        width = max(1, round(rng.uniform(0.004, 0.0085) * size * scale))
        pen.line(_hair(rng, size * scale), fill=int(rng.integers(120, 215)), width=width)
    alpha = np.asarray(mask.resize((size, size), Image.Resampling.BOX), np.float32) / 255
    colour = np.array([52, 36, 30], np.float32) * rng.uniform(0.6, 1.6)
    return np.asarray(colours + alpha[..., None] * (colour - colours), dtype=np.float32)


def _hair(rng: np.random.Generator, size: int) -> list[tuple[float, float]]:
    """A gentle curve (a quadratic Bézier) through the picture."""
    start, end = rng.uniform(-0.1, 1.1, (2, 2))
    bend = (start + end) / 2 + rng.normal(0, 0.09, 2)
    t = np.linspace(0, 1, 24)[:, None]
    points = (1 - t) ** 2 * start + 2 * t * (1 - t) * bend + t**2 * end
    return [(float(a) * size, float(b) * size) for a, b in points]
