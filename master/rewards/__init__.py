"""Credits: how a round's pool arises from what its updates were worth. Pure.

A policy asks for the accuracy of models on the audit pictures and returns merits; the pool is
shared out in proportion to them. What measures the models, and when, is the master's affair.
"""

from master.rewards.coalition import Asking, Coalition, Merits, answered, merits, own, together
from master.rewards.policies import asking
from master.rewards.recent_average import HALF_LIFE_DAYS, recent_average
from master.rewards.sentences import reason
from master.rewards.share_out import UNIT, share_out

__all__ = [
    "HALF_LIFE_DAYS",
    "UNIT",
    "Asking",
    "Coalition",
    "Merits",
    "answered",
    "asking",
    "merits",
    "own",
    "reason",
    "recent_average",
    "share_out",
    "together",
]
