"""What a site tells the master of an update that did not come through: the round goes on at once.

The master is the real one behind its real server, stepped by hand; so is the child. Between them
stands a proxy that takes bodies up to a limit, as those of hospitals do.
"""

from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from child.agent.answers import MasterAway
from serving.server import Server
from tests.child.conftest import Site, named
from tests.in_thread import serving
from tests.master.federation import Clock, Federation, trained

PLAN = {
    "rounds": 1,
    "close": "all",
    "privacy": {"min_examples": 1},
    "training": {"epochs": 1, "validation_fraction": 0.25},
}
LARGE = b"\0" * 3_000_000
"""More than the master takes for this model."""


class Proxy(BaseHTTPRequestHandler):
    """Passes calls on, or answers in their place: by what their path ends with."""

    def log_message(self, *_):
        """Says nothing."""

    def _pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        last = self.path.rsplit("/", 1)[-1]
        self.server.calls.append(last)
        due = self.server.answers.get(last)
        if due:
            self._answer(due.popleft(), b"<html><center>nginx</center></html>")
            return
        keep = ("Authorization", "Content-Type")
        answer = requests.request(
            self.command,
            self.server.master + self.path,
            headers={name: self.headers[name] for name in keep if name in self.headers},
            data=body,
            timeout=60,
        )
        self._answer(answer.status_code, answer.content)

    def _answer(self, status, content):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = _pass_on


@pytest.fixture
def federation(tmp_path):
    federation = Federation(tmp_path / "master", Clock())
    yield federation
    federation.services.database.close()


@pytest.fixture
def proxy(federation):
    server = Server(federation.app, "127.0.0.1", 0)
    thread = server.start()
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    proxy.master, proxy.calls, proxy.answers = server.address, [], {}
    with serving(proxy):
        yield proxy
    server.close()
    thread.join()


@pytest.fixture
def make_site(make_child, clock, proxy):
    def make(**changes):
        url = f"http://127.0.0.1:{proxy.server_port}"
        child = make_child(**{"master": url, "url": None, **changes})
        site = {"Authorization": f"Bearer {child.tokens.mint('site')}"}
        return Site(child, child.app.test_client(), clock, site=site)

    return make


@pytest.fixture
def site(federation, make_site):
    """A child of the federation, beside `clinic-b`, with the study's model and six pictures."""
    federation.study()
    federation.site("clinic-b")
    token = federation.post("/join-tokens", {"approve": True})["token"]
    site = make_site(join_token=token)
    site.child.heartbeats.beat()
    site.child.pull.updates.fetch()
    site.upload(*named(6))
    site.child.heartbeats.beat()
    federation.settle()
    return site


def owe(site, update):
    """Takes the site's task; returns its id once it has this update to deliver."""
    child = site.child
    for _ in range(3):
        child.pull.polling.step()
    (task,) = child.task_store.in_states("queued")
    child.task_store.begin(task)
    child.task_store.trained(task, child.blobs.put(update))
    return task


def refused_at(federation, run):
    """The site's task at the master: its state, and why."""
    (task,) = [one for one in federation.last_round(run)["tasks"] if one["node_name"] == "site-1"]
    return task["state"], task["reason"]


def test_an_update_over_the_masters_limit_fails_its_task_and_the_round_goes_on(federation, site):
    run = federation.run(**PLAN, quorum=1)
    task = owe(site, LARGE)
    site.child.delivery.attempt(task)
    state, reason = refused_at(federation, run)
    assert state == "failed"
    for words in ("update of 3000000 bytes", "413", "at most 10"):
        assert words in reason
    held = site.child.task_store.get(task)
    assert (held.state, held.detail) == ("failed", reason.removesuffix(" (delivery_refused)"))
    other = federation.children.children["clinic-b"]
    federation.deliver(other, trained(other, 1.0, num_examples=10))
    # Nobody waits for the deadline: the clock of this master stands still.
    assert federation.last_round(run)["state"] == "closed"


def test_the_limit_of_a_proxy_is_told_as_such_and_one_more_site_is_asked(federation, site, proxy):
    federation.site("clinic-c")
    run = federation.run(**PLAN, sampling={"fraction": 0.5}, quorum=2, seed=0)
    (spare,) = (one["node_name"] for one in federation.last_round(run)["excluded"])
    proxy.answers["update"] = deque([413])
    site.child.delivery.attempt(owe(site, b"an update's bytes"))
    federation.settle()
    state, reason = refused_at(federation, run)
    assert state == "failed"
    assert "17 bytes" in reason
    assert "proxy" in reason
    assert federation.states(run)[spare] in ("queued", "leased")


def test_an_update_that_the_master_itself_has_rejected_stays_rejected(federation, site):
    run = federation.run(**PLAN, quorum=1)
    other = federation.children.children["clinic-b"]
    task = owe(site, trained(other, 1.0, num_examples=10))
    site.child.delivery.attempt(task)
    state, reason = refused_at(federation, run)
    assert (state, "another task" in reason) == ("rejected", True)
    assert site.child.task_store.get(task).state == "rejected"


def test_a_report_that_is_refused_too_is_given_up(federation, site, proxy):
    run = federation.run(**PLAN, quorum=1)
    task = owe(site, b"an update's bytes")
    proxy.answers |= {"update": deque([403]), "failure": deque([413] * 9)}
    site.child.delivery.attempt(task)
    site.child.delivery.attempt(task)
    assert [proxy.calls.count(word) for word in ("update", "failure")] == [1, 1]
    assert site.child.task_store.get(task).state == "failed"
    assert refused_at(federation, run)[0] == "leased"


def test_a_report_that_finds_nobody_is_made_after_a_restart(federation, site, proxy, make_site):
    run = federation.run(**PLAN, quorum=1)
    task = owe(site, b"an update's bytes")
    proxy.answers |= {"update": deque([413]), "failure": deque([502])}
    with pytest.raises(MasterAway):
        site.child.delivery.attempt(task)
    assert site.child.task_store.get(task).state == "delivering"
    restarted = make_site()
    restarted.child.delivery.attempt(task)
    assert [proxy.calls.count(word) for word in ("update", "failure")] == [1, 2]
    assert refused_at(federation, run)[0] == "failed"


def test_an_update_whose_file_is_gone_is_told_too(federation, site):
    run = federation.run(**PLAN, quorum=1)
    task = owe(site, b"an update's bytes")
    site.child.blobs.path(site.child.task_store.get(task).update_sha256).unlink()
    site.child.delivery.attempt(task)
    assert refused_at(federation, run)[0] == "failed"
