"""Real servers that keep their tables on PostgreSQL and their blobs on S3.

The PostgreSQL and the S3 server are real ones: `tests/postgres_server.py`, `tests/s3_server.py`.
"""

import os
import shutil
import time
from contextlib import closing

import pytest

from child.state_folder import StateFolder
from child.store.opening import MIGRATIONS as CHILD_TABLES
from child.store.opening import open_database
from child.store.tokens import TokenStore
from engines.processes.client import Child, Master
from engines.processes.federation import Federation, FederationSettings
from engines.processes.ports import next_free_ports
from engines.processes.servers import Servers
from master.settings import Settings
from master.state_folder import open_state
from master.store import MIGRATIONS as MASTER_TABLES
from master.store import tokens
from tests.e2e.averaging import assert_averaged
from tests.e2e.running import PATIENCE, Running, finished, new_study, plan

BLOBS = "s3://federation/master/blobs"


@pytest.fixture
def databases(new_postgres):
    return {"master": new_postgres(MASTER_TABLES), "site-1": new_postgres(CHILD_TABLES)}


@pytest.fixture
def bucket(s3_server):
    """The servers inherit from the environment how to get in."""
    return s3_server.bucket("federation")


@pytest.fixture
def servers(tmp_path, databases, bucket):
    servers = Servers(tmp_path, os.environ)
    yield servers
    servers.stop()


def start(servers, name, databases, *options, **secrets):
    """Starts a server; the URL of its database may carry a password, so no option has it."""
    kind = "master" if name == "master" else "child"
    command = [kind, "serve", "--state", str(servers.state / name), "--threads", "1", *options]
    secret = {f"COMMONSIGHT_{key}".upper(): value for key, value in secrets.items()}
    process = servers.spawn(name, command, {"COMMONSIGHT_DATABASE": databases[name], **secret})
    return process.wait_for_address(PATIENCE)


def tokens_of(state, databases):
    """An operator's token and a site's, as `python -m master token` and its like mint them."""
    tables, _ = open_state(Settings(state / "master", database=databases["master"]))
    with closing(tables), tables.write() as session:
        operator = tokens.mint(session, "operator", time.time())
    folder = StateFolder(state / "site-1")
    folder.make()
    with closing(open_database(folder, databases["site-1"])) as tables:
        return operator, TokenStore(tables, time.time).mint("site")


@pytest.fixture
def running(tmp_path, servers, databases):
    """A master and a child, each with a database of its own."""
    ports = next_free_ports(20_000 + os.getpid() % 9_000, ("master", "site-1"))
    master = start_master(servers, databases, ports)
    operator, site = tokens_of(tmp_path, databases)
    client = Master(master, operator)
    options = ("--port", str(ports["site-1"]), "--url", "auto", "--demo", "--name", "site-1")
    join = client.join_token(approve=True)
    child = start(servers, "site-1", databases, *options, "--master", master, join_token=join)
    federation = Federation(client, {"site-1": Child(child, site)}, {})
    return Running(servers, FederationSettings(("site-1",), ports), federation)


def start_master(servers, databases, ports):
    return start(servers, "master", databases, "--port", str(ports["master"]), "--blobs", BLOBS)


def one_round(running):
    """Runs a round; its result is compared with the average of what the children sent."""
    run = running.master.start_run("elsewhere", plan()).id
    assert finished(running, run).state == "completed"
    (one,) = running.master.rounds(run)
    updates = [(view.num_examples, view.sha256) for view in one.updates]
    assert_averaged(running.state, one.weights_before, one.weights_after, updates)
    return one


def test_a_federation_goes_on_with_its_things_elsewhere_and_nothing_here(
    running, databases, bucket, postgres_server
):
    new_study(running, "elsewhere", {"site-1": {"blue": 9, "red": 7}})
    first = one_round(running)
    assert all(postgres_server.break_off(url) for url in databases.values())
    running.kill("master")
    # Another machine takes over; of the old one there are the secrets alone.
    old, new = running.state / "lost", running.state / "master"
    new.rename(old)
    shutil.copytree(old / "secrets", new / "secrets")
    start_master(running.servers, databases, running.settings.ports)
    second = one_round(running)
    assert second.weights_before == first.weights_after
    kept = {path.name for path in (bucket / "master" / "blobs").iterdir()}
    made = {one.weights_after for one in (first, second)}
    assert kept == made | {first.weights_before} | {
        view.sha256 for one in (first, second) for view in one.updates
    }
    assert not list(running.state.rglob("*.sqlite"))
