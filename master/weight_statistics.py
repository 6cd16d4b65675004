"""Statistics of weights, computed in the background or when first asked for, and kept."""

from __future__ import annotations

from federated.signature import Signature
from federated.statistics import WeightStatistics, weight_statistics
from master.services import Services
from master.store import statistics
from serving.blobs import open_blob


def statistics_of(services: Services, weights: str, signature: Signature) -> WeightStatistics:
    """Statistics of a blob of global weights."""
    with services.database.read() as session:
        known = statistics.get(session, weights)
    if known is not None:
        return known
    with open_blob(services.blobs.path(weights)) as blob:
        found = weight_statistics(blob, signature)
    with services.database.write() as session:
        statistics.put(session, weights, found)
    return found
