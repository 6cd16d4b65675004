"""How good a picture is to look at: its size, how sharp it is, how it is lit."""

from __future__ import annotations

from typing import Literal

from federated.values import Message

Aspect = Literal["size", "focus", "light"]
Band = Literal["good", "fair", "poor"]
Fault = Literal["", "small", "below_model", "soft", "blurred", "dark", "bright", "burnt"]


class QualityFinding(Message):
    """One aspect of a picture.

    Attributes:
        aspect: What was looked at.
        band: `poor` is worth taking the picture again.
        fault: What is wrong; empty where the band is `good`.
        value: What was measured: the shorter side in pixels, the variance of the Laplacian, or
            the median brightness (0 to 255) of the middle.
    """

    aspect: Aspect
    band: Band
    fault: Fault
    value: float


class PictureQuality(Message):
    """What was found about a picture, in the order size, focus, light.

    Attributes:
        width: Pixels, upright.
        height: Pixels, upright.
    """

    width: int
    height: int
    findings: tuple[QualityFinding, ...]

    @property
    def again(self) -> bool:
        """Whether the picture is better taken again."""
        return any(finding.band == "poor" for finding in self.findings)
