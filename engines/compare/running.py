"""Does the cases that are not done yet, as many at a time as there are workers."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

from engines.compare.material import Prepared
from engines.compare.results import Kept, Measured, Result, measured
from engines.simulation.laboratory import Laboratory
from engines.simulation.pictures import Picture
from engines.simulation.search import AuditPart
from engines.simulation.simulation import measure, model_at, simulate
from engines.simulation.site import SimulatedSite
from engines.simulation.site_training import OnSeen
from engines.simulation.workers import Workers
from federated.errors import FederationError

Failed = tuple[Prepared, FederationError]


def run_cases(
    cases: Sequence[Prepared],
    pixels: Path,
    workers: Workers,
    folder: Path,
    pretrained: Path,
    kept: Kept,
    on_seen: OnSeen,
) -> Iterator[Result | Failed]:
    """Runs cases and keeps what they come to; one that fails does not keep others from it.

    Args:
        cases: Those that are to be done.
        pixels: The array file of all pictures.
        workers: Running workers. Their threads also bound the cases that run side by side.
        folder: For weights; each case's are gone with it.
        pretrained: Folder of the weights that plans may name.
        kept: Where results go.
        on_seen: Hears of pictures as they are trained on, in several threads.
    """

    def do(prepared: Prepared) -> Result:
        place = folder / prepared.case.key
        laboratory = Laboratory(prepared.case.study, pixels, workers, place, pretrained)
        try:
            result = run_case(prepared, laboratory, on_seen)
        finally:
            shutil.rmtree(place, ignore_errors=True)
        kept.put(result)
        return result

    pool = ThreadPoolExecutor(workers.count)
    try:
        under_way: dict[Future[Result], Prepared] = {pool.submit(do, one): one for one in cases}
        for future in as_completed(under_way):
            try:
                yield future.result()
            except FederationError as error:
                yield under_way[future], error
    finally:
        # On an interruption nobody waits for cases that have not begun.
        pool.shutdown(wait=False, cancel_futures=True)
        shutil.rmtree(folder, ignore_errors=True)


def run_case(
    prepared: Prepared, laboratory: Laboratory, on_seen: OnSeen = lambda count: None
) -> Result:
    """Trains and measures one case.

    Args:
        prepared: The case.
        laboratory: Where; what its frozen networks make of pictures stays in its folder, for
            other cases of the same network.
        on_seen: Hears of pictures as they are trained on, in several threads.

    Raises:
        FederationError: It could not be done.
    """
    started = time.monotonic()
    if prepared.case.kind == "alone":
        with ThreadPoolExecutor(len(prepared.sites)) as pool:
            tasks = [
                pool.submit(_trained, prepared, [site], site.name, laboratory, on_seen)
                for site in prepared.sites
            ]
            models = [model for task in tasks for model in task.result()]
    else:
        name = "global" if prepared.case.kind == "federated" else "all"
        models = _trained(prepared, prepared.sites, name, laboratory, on_seen)
    return Result(
        case=prepared.case,
        seconds=round(time.monotonic() - started, 3),
        holdings=prepared.holdings,
        models=tuple(models),
    )


def _trained(
    prepared: Prepared,
    sites: Sequence[SimulatedSite],
    name: str,
    laboratory: Laboratory,
    on_seen: OnSeen,
) -> list[Measured]:
    """One model, measured; where sites keep statistics to themselves, the model of each."""
    own = replace(laboratory, folder=laboratory.folder / name)
    plan = prepared.case.plan
    audit = _part(laboratory, prepared.audit) if prepared.audit else None
    model = simulate(own, plan, sites, on_seen, audit).model
    test = _part(laboratory, prepared.test)
    models = {name: model}
    if plan.strategy.batch_norm == "local":
        # Nobody would use the averaged statistics.
        models = {site.name: model_at(own, model, site.name) for site in sites}
    return [
        measured(name, measure(own, plan, model, test.rows, test.labels))
        for name, model in models.items()
    ]


def _part(laboratory: Laboratory, pictures: Sequence[Picture]) -> AuditPart:
    """Pictures as what judges them takes them."""
    labels = [laboratory.study.classes.index(picture.label) for picture in pictures]
    return AuditPart([picture.row for picture in pictures], labels)
