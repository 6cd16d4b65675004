"""A pigmented lesion by the ABCD rule: asymmetry, border, colour, diameter.

References:
    W. Stolz et al., ABCD rule of dermatoscopy, European Journal of Dermatology, 1994.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imaging.synthetic.fields import Field, cell_walls, clouds, noise, step


@dataclass(frozen=True, slots=True)
class Signs:
    """How far each sign of malignancy is developed, 0 to 1.

    Attributes:
        asymmetry: Of the outline, and of where the pigment lies.
        border: Notches, streaks and abrupt ends.
        colour: Number and contrast of colours.
        diameter: Size.
        structure: Irregularity of the pigment network, dots and blotches.
    """

    asymmetry: float
    border: float
    colour: float
    diameter: float
    structure: float


def draw_signs(rng: np.random.Generator, malignant: bool, difficulty: float) -> Signs:
    """Signs of one lesion: apart on average by class, the less so the harder the task.

    Each sign varies by itself, so that no single one decides; all together say more.
    """
    distance = 0.36 * (1 - 0.75 * difficulty)
    mean = 0.5 + distance if malignant else 0.5 - distance
    drawn = np.clip(rng.normal(mean, 0.10 + 0.14 * difficulty, size=5), 0, 1)
    return Signs(*map(float, drawn))


def outline(rng: np.random.Generator, x: Field, y: Field, signs: Signs) -> tuple[Field, Field]:
    """`(depth, coverage)`: how deep inside the lesion a pixel lies, and how much is covered.

    Depth is 1 in the middle, 0 on the border and negative outside; coverage is 0 to 1.
    """
    size = len(x)
    radius = 0.34 + 0.26 * signs.diameter + rng.normal(0, 0.03)
    centre = rng.normal(0, 0.07, 2)
    turn, stretch = rng.uniform(0, np.pi), 1 + rng.uniform(0.02, 0.22)
    u, v = x - np.float32(centre[0]), y - np.float32(centre[1])
    wobble = 0.01 + 0.035 * signs.border
    u, v = (axis + np.float32(wobble) * clouds(rng, size, 5) for axis in (u, v))
    along = (u * np.cos(turn) + v * np.sin(turn)) / stretch
    across = (v * np.cos(turn) - u * np.sin(turn)) * stretch
    angle, distance = np.arctan2(across, along), np.hypot(along, across)
    reach = radius * (1 + _waves(rng, angle, signs))
    depth = np.asarray(1 - distance / np.maximum(reach, 0.1), dtype=np.float32)
    # A mole fades into the skin all around; a melanoma ends abruptly here and there.
    fade = 0.16 - 0.07 * signs.border + 0.05 * signs.border * noise(rng, size, 3)
    return depth, step(0.0, np.clip(fade, 0.04, 0.3), depth)


def _waves(rng: np.random.Generator, angle: Field, signs: Signs) -> Field:
    """Relative deviation of the outline from an ellipse, by angle."""
    table = np.linspace(-np.pi, np.pi, 721)
    total = np.zeros_like(table)
    for order in range(1, 13):
        sign = signs.asymmetry if order <= 3 else signs.border
        strength = (0.006 + 0.13 * sign**1.6) / (1 + 0.5 * abs(order - 2))
        phase = rng.uniform(0, 2 * np.pi)
        total += rng.normal(0, strength) * np.cos(order * table + phase)
    waves = np.interp(angle, table, total.clip(-0.55, 0.6))
    return np.asarray(waves, dtype=np.float32)


def pigment(
    rng: np.random.Generator, x: Field, y: Field, depth: Field, coverage: Field, signs: Signs
) -> Field:
    """Density of melanin: 0 on bare skin, about 1 in a mole, 3 where it is nearly black."""
    size = len(x)
    base = rng.uniform(0.55, 0.95) + 0.25 * step(0.45, 0.4, depth)
    side = rng.uniform(0, 2 * np.pi)
    lean = (x * np.cos(side) + y * np.sin(side)) * (0.1 + 1.0 * signs.asymmetry)
    patches = clouds(rng, size, 3) * (0.06 + 0.22 * signs.colour)
    density = np.clip(base + lean + patches, 0.18, 3.0) * coverage
    blotches = step(1.0 - 0.75 * signs.colour, 0.3, clouds(rng, size, 4))
    density += blotches * coverage * (0.1 + 1.0 * signs.colour) * step(0.12, 0.12, depth)
    density *= 1 + _network(rng, x, y, depth, signs)
    return np.asarray(density + _dots(rng, x, y, coverage, signs), dtype=np.float32)


def _network(rng: np.random.Generator, x: Field, y: Field, depth: Field, signs: Signs) -> Field:
    """The pigment network: even meshes in a mole, broken and thickened ones in a melanoma."""
    size = len(x)
    warp = 0.012 + 0.03 * signs.structure
    u, v = (axis + np.float32(warp) * noise(rng, size, 6) for axis in (x, y))
    inside = depth > -0.3
    walls = np.zeros_like(depth)
    cells, regular = int(rng.integers(24, 34)), 0.62 - 0.5 * signs.structure
    walls[inside] = cell_walls(rng, u[inside], v[inside], cells, regular)
    where = step(0.1 + 0.5 * signs.structure, 0.5, noise(rng, size, 3) + 0.6)
    ring = 1 - 0.6 * step(0.55, 0.3, depth)
    return (walls - 0.35) * where * ring * np.float32(rng.uniform(0.3, 0.55))


def _dots(rng: np.random.Generator, x: Field, y: Field, coverage: Field, signs: Signs) -> Field:
    """Dots and globules: few and small in a mole, many of all sizes in a melanoma."""
    total = np.zeros_like(x)
    for _ in range(rng.poisson(2 + 16 * signs.structure)):
        angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.62)
        width = rng.uniform(0.012, 0.018 + 0.022 * signs.structure)
        u, v = x - np.float32(far * np.cos(angle)), y - np.float32(far * np.sin(angle))
        total += np.exp(-((u * u + v * v) / (2 * width * width))) * np.float32(
            rng.uniform(0.3, 0.9)
        )
    return total * coverage
