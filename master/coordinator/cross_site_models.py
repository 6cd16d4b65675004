"""The models that sites are to measure: written as plain weights, and handed out.

An update says more than its weights: pictures counted, figures measured, what it was trained
with. Other sites get the weights alone, and are not told whose they are.
"""

from __future__ import annotations

import logging

from sqlalchemy.orm import Session

from federated.errors import FederationError
from federated.messages import MOST_MODELS
from federated.plan import Plan, Trigger
from federated.states import RunState, is_final
from federated.strategies import asynchronous
from federated.views import CrossSiteModel
from federated.wire import UpdateReader, encode_weights
from master.coordinator.round_opening import patience
from master.coordinator.site_selection import choose
from master.services import Services
from master.store import cross_sites, nodes, rounds, runs, updates, versions
from master.store.tables import CrossSiteRow
from master.store.updates import Accepted
from master.store.versions import Version
from serving.blobs import StoredTensors

log = logging.getLogger(__name__)

GLOBAL = "global"
"""Name of the column of the model that all sites have made together."""

TOO_MANY = f"only {MOST_MODELS - 1} sites' models are measured"


def gather(services: Services, run_id: str) -> None:
    """Writes the models' blobs and gives every site its task.

    Done again after a crash, it comes to the same blobs; the tasks are made once.
    """
    with services.database.read() as session:
        if _prepared(session, run_id) is None:
            return
        version, found = _material(session, run_id)
    models = [CrossSiteModel(name=GLOBAL, weights=version.weights)]
    models += [_model(services, version, update) for update in found[: MOST_MODELS - 1]]
    models += [
        CrossSiteModel(name=update.node_name, node=update.node, reason=TOO_MANY)
        for update in found[MOST_MODELS - 1 :]
    ]
    services.failpoint("cross-site-gathered")
    with services.database.write() as session:
        row = _prepared(session, run_id)
        if row is not None:
            _open(services, session, row, models)
    services.failpoint("cross-site-open")
    services.wakeup.notify()


def _prepared(session: Session, run_id: str) -> CrossSiteRow | None:
    """A run's measurement, if it is still to be opened."""
    row = cross_sites.find(session, run_id)
    is_due = row is not None and row.opened_at is None and row.closed_at is None
    return row if is_due and not is_final(RunState(runs.get(session, run_id).state)) else None


def _material(session: Session, run_id: str) -> tuple[Version, list[Accepted]]:
    """The run's last model, and the update of each site that is to be measured beside it."""
    plan = Plan.model_validate(runs.get(session, run_id).plan)
    last = rounds.last(session, run_id, closed=True)
    number = last.number if last else 0
    version = versions.of_round(session, run_id, number)
    if asynchronous(plan.strategy) is None:
        found = updates.accepted(session, run_id, number)
    else:
        # A version is made of few updates: of every site the newest that counted.
        found = updates.newest_of_nodes(session, run_id)
    return version, sorted(found, key=lambda update: update.node_name)


def _model(services: Services, version: Version, update: Accepted) -> CrossSiteModel:
    """An update as plain weights; where its blob is gone or broken, the column says so."""
    column = CrossSiteModel(name=update.node_name, node=update.node)
    try:
        base = StoredTensors(services.blobs.path(update.base))
        blob = StoredTensors(services.blobs.path(update.sha256))
        reader = UpdateReader(blob, update.document, base)
        names = version.signature.names
        weights = encode_weights({name: reader.get_tensor(name) for name in names})
    except FederationError as error:
        log.warning("A site's model cannot be measured: %s", error.detail)
        return column.model_copy(update={"reason": f"cannot be read: {error.problem}"})
    return column.model_copy(update={"weights": services.blobs.put(weights)})


def _open(
    services: Services, session: Session, row: CrossSiteRow, models: list[CrossSiteModel]
) -> None:
    now, settings = services.now(), services.settings
    run = runs.get(session, row.run_id)
    # New pictures are what a standing run waits for, and nothing that measuring needs.
    plan = Plan.model_validate(run.plan).model_copy(update={"trigger": Trigger()})
    there = nodes.sites(session, run.study_id, now, settings.reachable_seconds)
    sites, excluded = choose(there, plan)
    cross_sites.open_for(session, row, models, sites, excluded, now, patience(settings))
