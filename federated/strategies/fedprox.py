"""FedProx: federated averaging of sites that were held to the global weights as they trained.

References:
    T. Li, A. K. Sahu, M. Zaheer, M. Sanjabi, A. Talwalkar, V. Smith, "Federated Optimization in
    Heterogeneous Networks", MLSys 2020, algorithm 2. https://arxiv.org/abs/1812.06127
"""

from __future__ import annotations

from federated.strategies.fedavg import fedavg
from federated.strategies.round import Outcome, RoundFacts


def fedprox(facts: RoundFacts) -> Outcome:
    """The same as FedAvg: what makes FedProx is the plan's `training.proximal` (μ) at the sites.

    The paper draws sites by their examples and then takes the plain mean; here all sites may
    be drawn, and each counts by its examples, which comes to the same on average.

    Raises:
        NotEnoughUpdates: There is no update, or none counts any example.
    """
    return fedavg(facts)
