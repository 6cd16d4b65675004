"""Invented labels and probabilities, many of them equal, for tests that compare definitions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st


@dataclass(frozen=True)
class Sample:
    labels: np.ndarray
    probabilities: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"class {k}" for k in range(self.probabilities.shape[1]))


def sample(seed: int, examples: int, classes: int, steps: int = 1000) -> Sample:
    """Better than guessing; with few `steps` of certainty many probabilities are equal."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(classes, examples, p=np.arange(1, classes + 1) / (classes**2 + classes) * 2)
    certainty = rng.integers(0, steps, (examples, classes)) / steps
    certainty[np.arange(examples), labels] += rng.integers(0, steps, examples) / steps
    chances = np.exp(3 * certainty)
    return Sample(labels, chances / chances.sum(axis=1, keepdims=True))


samples = st.builds(
    sample,
    seed=st.integers(0, 10**6),
    examples=st.integers(1, 60),
    classes=st.sampled_from([2, 3, 7]),
    steps=st.sampled_from([1, 3, 1000]),
)
