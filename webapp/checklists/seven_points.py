"""The seven-point checklist of dermoscopy.

Reference:
    G. Argenziano et al., "Epiluminescence microscopy for the diagnosis of doubtful melanocytic
    skin lesions. Comparison of the ABCD rule of dermatoscopy and a new 7-point checklist based
    on pattern analysis", Archives of Dermatology 134 (1998), 1563-1570.
"""

from __future__ import annotations

from collections.abc import Collection

MAJOR = ("atypical_network", "blue_white_veil", "atypical_vessels")
"""Two points each: their odds ratios for melanoma were above 5."""

MINOR = ("irregular_streaks", "irregular_dots", "irregular_blotches", "regression")
"""One point each."""

SUSPICIOUS = 3
"""From so many points on the checklist takes a melanocytic lesion for a melanoma."""


def seven_points(found: Collection[str]) -> int:
    """The score, 0 to 10.

    Args:
        found: Which of `MAJOR` and `MINOR` the clinician saw.

    Raises:
        ValueError: One of them is not on the checklist.
    """
    unknown = set(found) - {*MAJOR, *MINOR}
    if unknown:
        raise ValueError(f"not on the checklist: {', '.join(sorted(unknown))}")
    return sum(2 if name in MAJOR else 1 for name in set(found))
