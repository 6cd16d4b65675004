"""Events as sentences about sites and rounds, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping

from federated.views import Event
from webapp.retold import retold
from webapp.texts import text, texts
from webapp.words import plain

SAID_ALREADY = ("waiting for pictures", "paused by the operator", "stopped by the operator")
"""Reasons that say of a run what its state says."""


def sentence(event: Event, sites: Mapping[str, str]) -> str:
    """What happened; an event of a newer version is told in the master's own words.

    Args:
        event: As the master wrote it.
        sites: Names of the sites by id.
    """
    if f"event.{event.kind}" not in texts() or _went_wrong(event):
        return plain(retold(event.text))
    site = sites.get(str(event.data.get("node")), text("event.a_site"))
    # The master writes why something ended behind a colon, and nowhere else.
    reason = event.text.partition(": ")[2]
    if reason in SAID_ALREADY:
        reason = ""
    told = text(f"event.{event.kind}", site=plain(site), round=event.data.get("round", 0))
    if not reason or not event.kind.startswith(("task_", "r")):
        return told
    return text("event.because", what=told, why=plain(retold(reason)))


def _went_wrong(event: Event) -> bool:
    """Whether a model was sent and not taken: the master's own words say why."""
    status = event.data.get("http_status")
    return event.kind == "model_sent" and not (isinstance(status, int) and 200 <= status < 300)
