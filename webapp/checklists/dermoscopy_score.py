"""The ABCD rule of dermoscopy: asymmetry, border, colours and structures as one score.

References:
    W. Stolz et al., "ABCD rule of dermatoscopy: a new practical method for early recognition of
    malignant melanoma", European Journal of Dermatology 4 (1994), 521-527.
    F. Nachbar et al., "The ABCD rule of dermatoscopy: high prospective value in the diagnosis of
    doubtful melanocytic skin lesions", J. Am. Acad. Dermatol. 30 (1994), 551-559.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

COLOURS = ("white", "red", "light_brown", "dark_brown", "blue_grey", "black")
STRUCTURES = ("network", "structureless", "streaks", "dots", "globules")
MOST_AXES, MOST_SEGMENTS = 2, 8

SUSPICIOUS, HIGHLY_SUSPICIOUS = 4.75, 5.45
"""From the first on a lesion is suspicious; above the second, highly so."""

Meaning = Literal["benign", "suspicious", "highly_suspicious"]


@dataclass(frozen=True, slots=True)
class DermoscopyScore:
    """The total dermoscopy score of one melanocytic lesion: 1.0 to 8.9.

    Attributes:
        axes: Of two axes at right angles, those across which the lesion is asymmetric in
            colour, structure or outline: 0 to 2.
        segments: Of eight segments of the border, those where the pigment ends abruptly: 0 to 8.
        colours: Which of `COLOURS` are there: 1 to 6.
        structures: Which of `STRUCTURES` are there: 1 to 5.

    Raises:
        ValueError: One of them is none that the rule knows.
    """

    axes: int
    segments: int
    colours: frozenset[str]
    structures: frozenset[str]

    def __post_init__(self) -> None:
        if not 0 <= self.axes <= MOST_AXES or not 0 <= self.segments <= MOST_SEGMENTS:
            raise ValueError("the rule knows 0 to 2 axes and 0 to 8 segments")
        if not self.colours or not self.colours <= set(COLOURS):
            raise ValueError("the rule knows six colours, of which at least one is there")
        if not self.structures or not self.structures <= set(STRUCTURES):
            raise ValueError("the rule knows five structures, of which at least one is there")

    @property
    def total(self) -> float:
        """Asymmetry × 1.3 + border × 0.1 + colours × 0.5 + structures × 0.5."""
        tenths = 13 * self.axes + self.segments + 5 * len(self.colours) + 5 * len(self.structures)
        return tenths / 10

    @property
    def meaning(self) -> Meaning:
        """What the papers take the score for."""
        if self.total < SUSPICIOUS:
            return "benign"
        return "suspicious" if self.total <= HIGHLY_SUSPICIOUS else "highly_suspicious"


def dermoscopy_score(
    axes: int | None, segments: int | None, colours: frozenset[str], structures: frozenset[str]
) -> DermoscopyScore | None:
    """The score; None while something has not been filled in."""
    if axes is None or segments is None or not colours or not structures:
        return None
    return DermoscopyScore(axes, segments, colours, structures)
