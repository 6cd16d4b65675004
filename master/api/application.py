"""The Flask application of the master."""

from __future__ import annotations

from apiflask import APIFlask

from master import VERSION
from master.api import (
    comparison,
    cross_site,
    events,
    nodes,
    plans,
    rewards,
    rounds,
    runs,
    studies,
    system,
    tasks,
    weights,
)
from master.api.context import KEY, Context
from master.export import Exports
from master.known_tokens import KnownTokens
from master.metrics import StateCollector, Tally
from master.paired_models import PairedModels
from master.services import Services
from master.store.state_counts import count_by_state
from master.uploads import Uploads
from serving.app import create_app
from serving.auth import Principal

BLUEPRINTS = (
    nodes.blueprint,
    studies.blueprint,
    runs.blueprint,
    rounds.blueprint,
    tasks.blueprint,
    weights.blueprint,
    cross_site.blueprint,
    comparison.blueprint,
    rewards.blueprint,
    events.blueprint,
    plans.blueprint,
    system.blueprint,
)


def create_master_app(services: Services) -> APIFlask:
    """The application that answers for one master."""
    known = KnownTokens(services.database, services.now)

    def verify(token: str) -> Principal | None:
        principal = known.principal(token)
        if principal is not None and principal.role == "node":
            services.presence.note(principal.id)
        return principal

    def tally() -> Tally:
        with services.database.read() as session:
            return count_by_state(session)

    services.metrics.registry.register(StateCollector(tally))
    services.metrics.polls_waiting.set_function(lambda: len(services.polls.waiting))
    app = create_app(
        "Commonsight master",
        VERSION,
        verify=verify,
        health=lambda: {"role": "master", "name": "master"},
        registry=services.metrics.registry,
        readers=["operator", "viewer"],
    )
    app.extensions[KEY] = Context(
        services, known, Uploads(services), Exports(services), PairedModels(services)
    )
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app
