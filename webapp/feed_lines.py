"""The feed: many events as few lines, what belongs together in one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from federated.views import Event, RoundView
from webapp.events import sentence
from webapp.round_words import accepted, listed
from webapp.texts import text
from webapp.words import figure, plain

COURSE = ("open", "aggregating", "extended")
"""What happens to every round on its way."""

ON_THE_WAY = ("queued", "leased", "training", "submitted", "accepted")
"""What happens to every task that goes well."""


@dataclass(slots=True)
class Line:
    """One line of the feed.

    Attributes:
        at: When its newest event was.
        run: The run that it is of; None for none.
        told: As Markdown.
    """

    at: float
    run: str | None
    told: str


@dataclass(slots=True)
class _Group:
    """Events that make one line: the newest, and the sites of all."""

    newest: Event
    nodes: dict[str, None] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)


Outcome = Callable[[str, int], str | None]
"""What became of a closed round, by run and number; None where that is not at hand."""


def feed_lines(events: Iterable[Event], sites: Mapping[str, str], outcome: Outcome) -> list[Line]:
    """The lines, newest first.

    Args:
        events: Newest first.
        sites: Names of the sites by id.
        outcome: Asked of closed rounds, the newest first.
    """
    groups: dict[tuple[object, ...], _Group] = {}
    for event in events:
        key = _key(event)
        group = groups.setdefault(key, _Group(event))
        if node := event.data.get("node"):
            group.nodes.setdefault(sites.get(str(node), text("event.a_site")))
        group.kinds[event.kind] = group.kinds.get(event.kind, 0) + 1
    return [
        Line(group.newest.at, group.newest.run, _told(group, sites, outcome))
        for group in groups.values()
    ]


def _key(event: Event) -> tuple[object, ...]:
    """What an event has in common with those of its line."""
    part, _, state = event.kind.partition("_")
    number = event.data.get("round")
    of_round = part == "round" and state in (*COURSE, "closed")
    if (of_round or (part == "task" and state in ON_THE_WAY)) and event.run:
        return ("round", event.run, number)
    if event.kind == "model_sent" and _taken(event):
        return (event.kind, event.data.get("study"), number)
    return (event.id,)


def _taken(event: Event) -> bool:
    status = event.data.get("http_status")
    return isinstance(status, int) and 200 <= status < 300


def _told(group: _Group, sites: Mapping[str, str], outcome: Outcome) -> str:
    event, number = group.newest, group.newest.data.get("round", 0)
    if event.kind == "model_sent" and len(group.nodes) > 1:
        return text("feed.have_model", sites=plain(listed(group.nodes)), round=number)
    if event.kind.startswith(("round_", "task_")) and event.run and len(_key(event)) == 3:
        if "round_closed" in group.kinds:
            return outcome(event.run, number) or text("event.round_closed", round=number)
        if "round_aggregating" not in group.kinds:
            return _under_way(group, number)
        return text("event.round_aggregating", round=number)
    return sentence(event, sites)


def _under_way(group: _Group, number: int) -> str:
    """How far a round is, by what was heard of it."""
    taken = group.kinds.get("task_leased", 0)
    arrived = group.kinds.get("task_submitted", 0)
    return text("feed.under_way", round=number, taken=taken, arrived=arrived)


def averaged(round_: RoundView, before: RoundView | None) -> str:
    """A closed round in a line: `Round 7 averaged · 4 of 5 sites · AUC 0.81 → 0.83`."""
    said = [
        text("feed.averaged", round=round_.number),
        text("feed.sites", count=accepted(round_), all=len({task.node for task in round_.tasks})),
    ]
    for name in ("auc", "accuracy"):
        after = (round_.evaluation or {}).get(name)
        if after is not None:
            was = ((before and before.evaluation) or {}).get(name)
            key = "feed.figure" if was is None else "feed.figures"
            told = {"name": text(f"figure.{name}"), "after": figure(after, 2)}
            said.append(text(key, **told, **({} if was is None else {"before": figure(was, 2)})))
            break
    return " · ".join(said)
