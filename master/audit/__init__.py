"""The audit: what is said of an update, and of the node that sent it. Pure, one check a file.

What one update shows by itself is judged when it comes (`alone`); what only a comparison with the
round's others shows is judged when the round is about to close (`together`).
"""

from __future__ import annotations

from master.audit.alone import Asked, judge
from master.audit.claim import standard_error
from master.audit.finding import Finding, Verdict, Weight
from master.audit.measurement import Measurement

__all__ = ["Asked", "Finding", "Measurement", "Verdict", "Weight", "judge", "standard_error"]
