"""The Flask application of the master."""

from __future__ import annotations

from apiflask import APIFlask

from master import VERSION
from master.api import nodes, people, rounds, runs, studies, tasks, weights
from master.api.desk import DESK, Desk
from master.export import Exports
from master.gallery import Gallery
from master.house import House
from master.metrics import StateCollector, Tally
from master.store import tokens
from master.store.tally import by_state
from serving.app import create_app
from serving.auth import Principal

BLUEPRINTS = (
    nodes.blueprint,
    studies.blueprint,
    runs.blueprint,
    rounds.blueprint,
    tasks.blueprint,
    weights.blueprint,
    people.blueprint,
)


def create_master_app(house: House) -> APIFlask:
    """The application that answers for one master."""

    def verify(token: str) -> Principal | None:
        with house.database.read() as session:
            return tokens.principal(session, token)

    def tally() -> Tally:
        with house.database.read() as session:
            return by_state(session)

    house.metrics.registry.register(StateCollector(tally))
    app = create_app(
        "Commonsight master",
        VERSION,
        verify=verify,
        health=lambda: {"name": "master"},
        registry=house.metrics.registry,
    )
    app.extensions[DESK] = Desk(house, Gallery(house), Exports(house))
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app
