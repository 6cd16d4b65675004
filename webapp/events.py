"""Events as sentences about sites and rounds, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping

from federated.views import Event
from webapp.texts import text, texts
from webapp.words import plain


def sentence(event: Event, sites: Mapping[str, str]) -> str:
    """What happened; an event of a newer version is told in the master's own words.

    Args:
        event: As the master wrote it.
        sites: Names of the sites by id.
    """
    if f"event.{event.kind}" not in texts():
        return plain(event.text)
    site = sites.get(str(event.data.get("node")), text("event.a_site"))
    # The master writes why something ended behind a colon, and nowhere else.
    reason = event.text.partition(": ")[2]
    told = text(f"event.{event.kind}", site=plain(site), round=event.data.get("round", 0))
    return f"{told}: {plain(reason)}" if reason and event.kind.startswith(("task_", "r")) else told
