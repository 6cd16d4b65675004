"""What the three people stand before: a federation with real pictures, and a web app for each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.dataset import draw_dataset
from benchmarks.streamlit_servers import free_port
from engines.processes.dataset import Dataset
from engines.processes.federation import (
    Federation,
    FederationSettings,
    child_state,
    start_federation,
)
from engines.processes.preparing import prepare_study
from engines.processes.process import ServerProcess
from engines.processes.servers import ROOT, Servers, server_environment
from engines.processes.webapp_server import wait_until_healthy
from federated.errors import FederationError
from federated.plan import ModelChoice, Plan, Privacy
from federated.states import RunState
from federated.study import Study
from federated.training import Training
from imaging.folders import Found, read_class_folders
from serving.tokens import write_secret

REAL_PICTURES = Path(__file__).resolve().parents[3] / "shared" / "data" / "skin_binary"
STUDY = Study(id="moles", name="Moles", classes=("benign", "malignant"), size=64)
SITES = ("clinic-a", "clinic-b", "school-c")
HELD: Mapping[str, int] = {"clinic-a": 16, "clinic-b": 30, "school-c": 22}
"""Pictures of each class."""
OWN: Mapping[str, int] = {"audit": 30, "test": 40}
"""The master's own, of each class."""
SPARE = 12
"""Pictures of each class that nobody holds, of which some lie on the site's disk."""
VISIT, IMPORTED = "visit-2026", 4
PATIENCE_SECONDS = 180.0
NAMES = ("Moles", "moles", *STUDY.classes, *SITES)


@dataclass(frozen=True, slots=True)
class Stage:
    """All that a story needs.

    Attributes:
        servers: Where everything runs.
        federation: Its clients.
        addresses: Of the web apps, by role.
        pictures: Files by class that no site holds, to hand over.
    """

    servers: Servers
    federation: Federation
    addresses: Mapping[str, str]
    pictures: Mapping[str, Sequence[Path]]

    def link(self, role: str) -> str:
        """A one-time link that signs a browser in at the web app of a role.

        Raises:
            FederationError: The web app's command gave none.
        """
        address = self.addresses[role]
        done = subprocess.run(
            [sys.executable, "-m", "webapp", "link", "--address", address],
            cwd=ROOT,
            env=server_environment(os.environ) | _settings(self.servers.state, role),
            capture_output=True,
            text=True,
            check=False,
        )
        found = [word for word in done.stdout.split() if word.startswith(address)]
        if not found:
            raise FederationError("There is no link to sign in with", received=done.stderr[-200:])
        return found[0]

    def invite(self, name: str, token: str) -> None:
        """Starts one more site, as the command says that the operator's page shows."""
        state, master = child_state(self.servers.state, name), self.federation.master.url
        options = ("--state", str(state), "--port", "0", "--master", master, "--name", name)
        secret = {"COMMONSIGHT_JOIN_TOKEN": token}
        self.servers.spawn(name, ["child", "serve", *options], secret)

    def dismiss(self, name: str) -> None:
        """Ends a site that was started so, where it was."""
        with suppress(KeyError):
            self.servers[name].stop(PATIENCE_SECONDS)

    def run(self, plan: Plan) -> str:
        """A run from its beginning to its end; its id."""
        begun = self.federation.master.start_run(STUDY.id, plan).id
        self.wait_for_end(begun)
        return begun

    def wait_for_end(self, run: str) -> None:
        """Waits until a run is over.

        Raises:
            FederationError: It did not complete.
        """
        over = (RunState.COMPLETED, RunState.STOPPED, RunState.FAILED)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := self.federation.master.run(run)).state not in over:
            if time.monotonic() > deadline:
                break
            time.sleep(0.3)
        if found.state != RunState.COMPLETED:
            raise FederationError("A run did not complete", received=found.state)


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Servers, pictures, and two runs behind them.

    Args:
        folder: Empty; everything is written there.

    Raises:
        FederationError: Something did not start, or a run failed.
    """
    spare, dataset, dealt = _dealt(folder)
    imports = folder / "disk"
    _lay_out_imports(imports, spare)
    with Servers(folder / "state", os.environ) as servers:
        options = ("--demo", "--import-folder", str(imports))
        settings = FederationSettings(SITES, child_options=options)
        federation = start_federation(servers, settings)
        prepare_study(federation, STUDY, plan(rounds=1), dataset, dealt)
        addresses = dict(_web_apps(servers, federation))
        ready = Stage(servers, federation, addresses, spare)
        ready.run(plan(rounds=3))
        ready.run(plan(rounds=2, learning_rate=0.001))
        yield ready


def plan(rounds: int, epochs: int = 2, learning_rate: float = 0.003) -> Plan:
    """A plan for few pictures, quick and yet learning something."""
    return Plan(
        rounds=rounds,
        model=ModelChoice(name="cnn10", settings={"width": 8}),
        training=Training(epochs=epochs, batch_size=8, learning_rate=learning_rate),
        privacy=Privacy(min_examples=1),
    )


def _dealt(folder: Path) -> tuple[dict[str, list[Path]], Dataset, dict[str, list[Found]]]:
    """The files that nobody holds, the master's pictures, and each site's: none of them twice."""
    spare: dict[str, list[Path]] = {}
    own: dict[str, list[Found]] = {part: [] for part in OWN}
    dealt: dict[str, list[Found]] = {site: [] for site in SITES}
    by_class = _by_class(folder)
    for label in STUDY.classes:
        rest = iter(by_class[label])
        spare[label] = [found.path for found in islice(rest, SPARE)]
        for part, count in OWN.items():
            own[part] += islice(rest, count)
        for site, count in HELD.items():
            dealt[site] += islice(rest, count)
    return spare, Dataset((), tuple(own["test"]), tuple(own["audit"]), STUDY.classes), dealt


def _by_class(folder: Path) -> dict[str, list[Found]]:
    """Pictures of each class: real ones where they are, else drawn ones."""
    root, wanted = REAL_PICTURES / "train", sum(HELD.values()) + sum(OWN.values()) + SPARE
    if not root.is_dir():
        draw_dataset(folder / "drawn", {"train": 2 * wanted}, 128, seed=11)
        root = folder / "drawn" / "train"
    found = list(read_class_folders(root))
    return {name: [one for one in found if one.label == name] for name in STUDY.classes}


def _lay_out_imports(folder: Path, pictures: Mapping[str, Sequence[Path]]) -> None:
    """A folder of the site's disk: a few pictures in class folders, and a file that is none."""
    for name, some in pictures.items():
        place = folder / VISIT / name
        place.mkdir(parents=True)
        for path in some[-IMPORTED:]:
            (place / path.name).write_bytes(path.read_bytes())
    (folder / VISIT / STUDY.classes[0] / "notes.jpg").write_text("No picture.")


def _web_apps(servers: Servers, federation: Federation) -> Iterator[tuple[str, str]]:
    """A web app for each role, with what that role may know and no more."""
    site = {
        "name": SITES[0],
        "url": federation.children[SITES[0]].url,
        "token": federation.tokens[SITES[0]],
    }
    master = {"url": federation.master.url, "token": federation.tokens["master"]}
    known: dict[str, dict[str, Any]] = {
        "site": {"sites": [site]},
        "console": {"master": master},
        "classroom": {},
    }
    started: dict[str, tuple[str, ServerProcess]] = {}
    for role, document in known.items():
        settings = _settings(servers.state, role)
        write_secret(Path(*settings.values()), json.dumps({"role": role, **document}))
        port = free_port()
        options = ("--server.port", str(port), "--server.address", "127.0.0.1")
        command = ["streamlit", "run", "webapp/app.py", *options, "--server.headless", "true"]
        process = servers.spawn(f"webapp-{role}", command, settings)
        started[role] = (f"http://127.0.0.1:{port}", process)
    wait_until_healthy({f"{url}/_stcore/health": process for url, process in started.values()})
    return iter((role, url) for role, (url, _) in started.items())


def _settings(state: Path, role: str) -> dict[str, str]:
    """The variable that names a web app's settings."""
    return {"COMMONSIGHT_WEBAPP_CONFIG": str((state / f"webapp-{role}.json").absolute())}
