"""What left a site, as people read it: one row for each call, never a name or a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from federated.views import Departure
from webapp.texts import text
from webapp.words import NOTHING, day, figure, size

_ENDINGS: Mapping[str, str] = {
    "/update": "weights",
    "/evaluation": "figures",
    "/heartbeat": "counts",
    "/progress": "progress",
    "/failure": "failure",
    "/nodes": "joining",
}


def kind_of(departure: Departure) -> str:
    """What a call carried: `weights`, `figures`, `counts`, `progress`, `failure` or another."""
    if departure.method == "GET":
        return "question"
    path = departure.path.partition("?")[0]
    return next((kind for end, kind in _ENDINGS.items() if path.endswith(end)), "other")


def bytes_by_kind(departures: Sequence[Departure]) -> dict[str, int]:
    """Bytes that were sent, by what they were."""
    sums: dict[str, int] = {}
    for departure in departures:
        kind = kind_of(departure)
        sums[kind] = sums.get(kind, 0) + departure.nbytes
    return sums


def departure_rows(departures: Sequence[Departure]) -> pd.DataFrame:
    """One row a call: when, what, bytes, SHA-256, the answer, and how far an update moved."""
    rows = [
        (
            day(one.at),
            text(f"left.{kind_of(one)}"),
            size(one.nbytes),
            figure(one.norm) if one.norm is not None else NOTHING,
            str(one.status) if one.status is not None else text("taking_part.no_answer"),
            one.sha256 or NOTHING,
            one.told or NOTHING,
        )
        for one in departures
    ]
    names = ("time", "what", "size", "norm", "answer", "hash", "told")
    return pd.DataFrame(rows, columns=[text(f"taking_part.{name}") for name in names], dtype=str)
