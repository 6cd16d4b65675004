"""Seeds drawn from a seed: one for each layer, with nothing global touched."""

from __future__ import annotations

import numpy as np


def draw_seeds(seed: int, count: int) -> list[int]:
    """`count` unlike seeds from one, each in 0 … 2**31 - 1; the same in every process."""
    states = np.random.SeedSequence(seed).generate_state(count)
    return [int(state) >> 1 for state in states]
