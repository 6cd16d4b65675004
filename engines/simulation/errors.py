"""What the simulation cannot do."""

from __future__ import annotations

from federated.errors import InvalidInput


class NotSimulated(InvalidInput):
    """A plan whose course depends on servers, clocks or networks; real servers can run it."""

    code = "not_simulated"
