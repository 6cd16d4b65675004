"""Figures as they leave the site: with no more digits than its pictures bear."""

from __future__ import annotations

MOST_DIGITS = 3
"""After the point. All that a float holds would tell of single pictures what a share cannot."""


def told(figure: float, examples: int) -> float:
    """A figure with as many digits after the point as the number of pictures has, at most three.

    Args:
        figure: A mean or a share over pictures.
        examples: How many pictures it is of.
    """
    return round(figure, min(MOST_DIGITS, len(str(examples))))
