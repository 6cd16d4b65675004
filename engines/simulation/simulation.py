"""Runs one plan: rounds of sites that train in worker processes, averaged by the strategy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engines.simulation.errors import NotSimulated
from engines.simulation.laboratory import Laboratory
from engines.simulation.rounds import RUN, Rounds
from engines.simulation.search import AuditPart, goes_by_scores
from engines.simulation.simulated_run import SimulatedRun
from engines.simulation.site import SimulatedSite
from engines.simulation.site_training import OnSeen
from federated.messages import ModelBlobs
from federated.plan import Plan
from federated.strategies import asynchronous
from federated.wire import encode_weights
from serving.blobs import StoredTensors


def simulate(
    laboratory: Laboratory,
    plan: Plan,
    sites: Sequence[SimulatedSite],
    on_seen: OnSeen = lambda count: None,
    audit: AuditPart | None = None,
) -> SimulatedRun:
    """All rounds of a plan. The weights lie in `<folder>/blobs`, by their hashes.

    Args:
        laboratory: Where; its folder is this simulation's own.
        plan: The plan.
        sites: Who takes part; the master's rules on who may hold here too.
        on_seen: Hears of pictures as they are trained on, in several threads.
        audit: The master's audit pictures, for plans that go by them.

    Raises:
        NotSimulated: The plan's course depends on servers.
        NotEnoughUpdates: Too few sites have enough pictures for a round.
        FederationError: A training failed.
    """
    check_simulated(plan, audited=audit is not None)
    return Rounds(laboratory, plan, sites, on_seen, audit).run()


def check_simulated(plan: Plan, *, audited: bool = False) -> None:
    """Whether a plan can be simulated.

    Args:
        plan: The plan.
        audited: Whether the simulation is given audit pictures.

    Raises:
        NotSimulated: Its course depends on servers, clocks or networks.
    """
    if asynchronous(plan.strategy) is not None:
        raise NotSimulated(
            f"The strategy {plan.strategy.name} depends on how long each site takes",
            expected="a strategy with rounds; `./run_all.sh train` runs the others",
        )
    if not audited and goes_by_scores(plan):
        what = "A search" if plan.search is not None else "The strategy best_k"
        raise NotSimulated(
            f"{what} goes by audit pictures, and this simulation has none",
            expected="another plan; `./run_all.sh train` runs this one",
        )
    if plan.cross_site:
        raise NotSimulated(
            "The plan has each site's model measured at the other sites, which a simulation does "
            "not do",
            expected="cross_site = false; `./run_all.sh train` measures it",
        )
    if plan.data.kind != "own":
        raise NotSimulated(
            "The plan takes its pictures from a batch server",
            expected="a plan whose sites train on their own pictures",
            received=plan.data.kind,
        )


def model_at(laboratory: Laboratory, model: ModelBlobs, site: str) -> ModelBlobs:
    """A global model as a site has it: with the BatchNorm statistics that it keeps to itself.

    Args:
        laboratory: The one in which the run was simulated.
        model: The global model.
        site: A site that took part. Where it keeps no statistics, the model is returned.
    """
    own = laboratory.statistics_of(site).of_run(RUN)
    if own is None:
        return model
    blobs = laboratory.blobs
    everyones, sites = StoredTensors(blobs.path(model.weights)), StoredTensors(own)
    kept = set(sites.keys())
    tensors = {
        name: (sites if name in kept else everyones).get_tensor(name)
        for name in model.signature.names
    }
    return model.model_copy(update={"weights": blobs.put(encode_weights(tensors))})


def measure(
    laboratory: Laboratory,
    plan: Plan,
    model: ModelBlobs,
    rows: Sequence[int],
    labels: Sequence[int],
) -> dict[str, Any]:
    """The report on a model, measured on rows of the array file: `models.measures`, as JSON.

    Args:
        laboratory: The one in whose folder the model's blobs lie.
        plan: Names the architecture.
        model: The blobs.
        rows: Pictures of the array file.
        labels: Their class indices.
    """
    blobs = laboratory.folder / "blobs"
    answer = laboratory.workers.call(
        "report",
        {
            "study": laboratory.study.model_dump(mode="json"),
            "model": plan.model.model_dump(mode="json"),
            "weights": str(blobs / model.weights),
            "frozen": str(blobs / model.frozen) if model.frozen else None,
            "base": None,
            "intervals": False,
            "pixels": str(laboratory.pixels),
            "rows": list(rows),
            "labels": list(labels),
        },
    )
    report: dict[str, Any] = answer["report"]
    return report
