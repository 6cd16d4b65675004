"""`demo`: everything on this computer, in the browser, until it is stopped."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from engines.processes.client import Master
from engines.processes.dataset import calls
from engines.processes.demo_pictures import (
    batches_are_packed,
    own_pictures,
    pack_demo_batches,
    write_pictures_to_try,
)
from engines.processes.federation import (
    FederationSettings,
    master_options,
    start_federation,
)
from engines.processes.ports import DEFAULT_BASE, fixed_ports, next_free_ports
from engines.processes.progress import say
from engines.processes.servers import Servers
from engines.processes.webapp_server import (
    new_link,
    start_webapp,
    wait_until_healthy,
    write_webapp_settings,
)
from federated.study import Study
from imaging.synthetic import CLASSES

STUDY = Study(id="lesions", name="Synthetic skin lesions", classes=CLASSES, size=96)
PLAN = "demo"


def demo(options: argparse.Namespace, environment: Mapping[str, str]) -> NoReturn:
    """Starts everything, makes the demo study if there is none, and waits for a signal.

    Raises:
        FederationError: Something did not start; the message says what.
        Interrupted: The user ended it.
    """
    sites = tuple(f"site-{number}" for number in range(1, options.children + 1))
    ports = demo_ports(options.port_base, sites)
    with Servers(options.state, environment) as servers:
        say("Starting the master, the sites and the web app.")
        webapp = start_webapp(servers, ports["webapp"])
        # It is a demo, so a site trains with a single picture, and says so.
        settings = FederationSettings(
            sites,
            ports,
            master_options=master_options(options.pretrained),
            child_options=("--demo", *import_options(options.import_folder)),
        )
        federation = start_federation(servers, settings)
        address = f"http://127.0.0.1:{ports['webapp']}"
        write_webapp_settings(servers.state, federation, address)
        wait_until_healthy({f"{address}/_stcore/health": webapp})
        prepare_study(federation.master, servers.state)
        folder = write_pictures_to_try(servers.state, sites)
        say(f"Pictures to try are in {folder}, in a folder for each site.")
        say("Everything is on this computer; Ctrl-C stops it.")
        say("The address signs one browser in, once; `./run_all.sh link` prints another.")
        print(f"Commonsight is ready: {new_link(servers.state)}", flush=True)
        prepare_batches(servers.state)
        _watch(servers)


def import_options(folder: Path | None) -> tuple[str, ...]:
    """What a child is told of a folder that it may import pictures from."""
    return ("--import-folder", str(folder)) if folder else ()


def link(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Prints a new one-time link to a demo's web app.

    Raises:
        WrongOption: No demo has been started with that state folder.
    """
    print(new_link(options.state), flush=True)
    return 0


def demo_ports(base: int | None, sites: tuple[str, ...]) -> dict[str, int]:
    """Ports of web app, master and sites, in this order.

    Raises:
        PortTaken: No base was given and one of the usual ports is in use.
    """
    names = ("webapp", "master", *sites)
    return fixed_ports(DEFAULT_BASE, names) if base is None else next_free_ports(base, names)


def prepare_study(master: Master, state: Path) -> None:
    """Makes the demo study and the master's own pictures, or what is missing of them."""
    studies = {view.study.id: view for view in master.studies()}
    if not studies:
        say("Making the demo study of synthetic skin lesions.")
        plan = {preset.name: preset.plan for preset in master.plans()}[PLAN]
        studies[STUDY.id] = master.create_study(STUDY, plan)
    view = studies.get(STUDY.id)
    # An interrupted first start has made the study, but not all of its pictures.
    if view is None or all(sum(view.pictures.get(part, {}).values()) for part in ("audit", "test")):
        return
    say("Drawing the master's own pictures: an audit part and a test part.")
    with own_pictures(state) as parts:
        for part, pictures in parts.items():
            for call in calls(pictures):
                master.add_pictures(STUDY.id, call.files, call.label, part)


def prepare_batches(state: Path) -> None:
    """Packs the demo's batches of public pictures, once."""
    if batches_are_packed(state):
        return
    say("Packing ten batches of synthetic pictures in the background of your first steps.")
    pack_demo_batches(state)
    say(f"The batches are in {state / 'batches'}.")


def _watch(servers: Servers) -> NoReturn:
    """Says when a server ends by itself; the others go on, for they are made to."""
    while True:
        process = servers.wait_for_an_end()
        failure = process.failure(f"ended with status {process.exit_status}; the others go on")
        say(failure.detail)
