"""Settings of a master, and the options of its command line."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from federated.errors import InvalidInput
from federated.model_card import LONGEST_LICENCE
from serving.options import Option, values_of

READY_MADE_PLANS = Path(__file__).resolve().parent.parent / "plans"

STATE = (
    Option("--state", "folder of everything that this master owns", kind=Path, required=True),
    Option("--database", "SQLAlchemy URL; by default SQLite in the state folder"),
    Option("--blobs", "URL of a folder that keeps the blobs too, such as s3://…"),
)

SERVE = (
    *STATE,
    Option("--host", "address to listen on", "127.0.0.1"),
    Option("--port", "port to listen on; 0 takes a free one", 8501, int),
    Option("--plans", "folder of the ready-made plans", READY_MADE_PLANS, Path),
    Option(
        "--pretrained", "folder of weights that plans may name; default: in the state", kind=Path
    ),
    Option("--lease-seconds", "silence after which a task counts as lost", 60.0, float),
    Option("--heartbeat-seconds", "time between the heartbeats asked of sites", 5.0, float),
    Option("--site-wait-seconds", "a run waits for sites so long, or its deadline", 30.0, float),
    Option("--max-polls", "sites that wait for work at the same time", 500, int),
    Option("--threads", "threads of the evaluation process; 0 takes all cores", 0, int),
    Option("--licence", "what others may do with the models, for their model cards"),
    Option("--allow-plain-http", "call sites on other machines without TLS", False, bool),
    Option(
        "--behind-proxy", "a proxy in front ends TLS; allows a --host off loopback", False, bool
    ),
)

TOKEN = (
    *STATE,
    Option(
        "--role",
        "what the token opens",
        required=True,
        choices=("operator", "viewer", "join"),
    ),
    Option("--approve", "whoever joins with the token may take part at once", False, bool),
)

COLLECT = (*STATE, Option("--keep-rounds", "rounds of each run whose updates stay", 10, int))

CHECK = (
    *STATE,
    Option("--run", "one run alone; by default all"),
    Option("--threads", "threads of the evaluation process; 0 takes all cores", 0, int),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one master; each is an option of its command line.

    Attributes:
        state: Folder of everything that the master owns.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        database: SQLAlchemy URL; by default a SQLite file under `state`.
        remote_blobs: URL of a folder that keeps the blobs beyond this machine, if any.
        plans: Folder of the ready-made plans.
        pretrained: Folder of the weights that plans may name; by default one under `state`.
        lease_seconds: Silence after which a task counts as lost.
        heartbeat_seconds: How often nodes are asked to call.
        handover_seconds: Longest time that handing a task over may take.
        audit_seconds: Longest time without a verdict, once a round's deadline has passed.
        site_wait_seconds: How long a run waits for sites between two rounds, at least; a plan
            with a longer deadline waits as long as that.
        max_polls: Nodes that wait for work at the same time; each holds a thread that sleeps.
        threads: Threads of the evaluation process; 0 takes all cores.
        licence: What others may do with the models, as their cards tell it.
        allow_plain_http: Whether nodes off this machine may have plain HTTP addresses.
        behind_proxy: Whether a proxy in front ends TLS.
    """

    state: Path
    host: str = "127.0.0.1"
    port: int = 8501
    database: str | None = None
    remote_blobs: str | None = None
    plans: Path = READY_MADE_PLANS
    pretrained: Path | None = None
    lease_seconds: float = 60.0
    heartbeat_seconds: float = 5.0
    handover_seconds: float = 300.0
    audit_seconds: float = 600.0
    site_wait_seconds: float = 30.0
    max_polls: int = 500
    threads: int = 0
    licence: str | None = None
    allow_plain_http: bool = False
    behind_proxy: bool = False

    @property
    def pretrained_folder(self) -> Path:
        """Folder of the weights that plans may name."""
        return self.pretrained or self.state / "pretrained"

    @property
    def idle_heartbeat_seconds(self) -> float:
        """How often a node is asked to call that shows by its polls that it lives."""
        return 6 * self.heartbeat_seconds

    @property
    def reachable_seconds(self) -> float:
        """Silence after which a node no longer counts as reachable."""
        return 4 * self.heartbeat_seconds


def settings_from(options: argparse.Namespace) -> Settings:
    """Settings from parsed options; those that a command does not have stay as they are.

    Raises:
        InvalidInput: The licence is longer than a model card can tell.
    """
    known = [option for option in SERVE if hasattr(options, option.name)]
    values = values_of(known, options)
    values["state"] = values["state"].resolve()
    told = len(values.get("licence") or "")
    if told > LONGEST_LICENCE:
        expected = f"its name or a sentence, of at most {LONGEST_LICENCE} characters"
        raise InvalidInput("The licence is too long", expected=expected, received=told)
    return Settings(remote_blobs=values.pop("blobs"), **values)
