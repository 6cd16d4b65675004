"""A federation that is meant to be hurt: its master dies where it is told to, and is restarted."""

import os
import signal

from engines.processes.client import Child, Master
from engines.processes.federation import child_of, child_state, operator_token
from engines.processes.ports import next_free_ports
from engines.processes.servers import Servers
from tests.e2e.light_nodes import LightNode, LightPushNode
from tests.e2e.recording_proxy import RecordingProxy
from tests.e2e.running import PATIENCE, wait_for

MASTER_OPTIONS = ("--threads", "1", "--heartbeat-seconds", "2", "--lease-seconds", "8")
CHILD_OPTIONS = ("--threads", "1", "--demo")


class ChaosFederation:
    """A master, whole children that push or pull, and light nodes; all is ended by `close`.

    Args:
        state: Folder of everything.
        failpoint: Where the master dies first; None for nowhere.
    """

    def __init__(self, state, failpoint=None):
        state.mkdir(exist_ok=True)
        self.state = state
        self.servers = Servers(state, os.environ)
        self.children = {}
        self.light = {}
        base = 29_000 + os.getpid() % 10_000
        self.ports = next_free_ports(base, ("master", "push", "pull"))
        self.start_master(failpoint)
        url = self.servers["master"].wait_for_address(PATIENCE)
        self.master = Master(url, operator_token(state / "master"))
        # The way to the master of children that pull; the others are on its own network.
        self.cable = RecordingProxy(url)

    def start_master(self, failpoint=None):
        """Starts the master on its port and its state, to die at a failpoint; does not wait."""
        options = ("--state", str(self.state / "master"), "--port", str(self.ports["master"]))
        secrets = {"COMMONSIGHT_FAILPOINT": failpoint} if failpoint else {}
        self.servers.spawn("master", ["master", "serve", *options, *MASTER_OPTIONS], secrets)

    def wait_for_death(self, failpoint):
        """Waits until the master has killed itself."""
        master = self.servers["master"]
        wait_for(lambda: master.exit_status is not None, f"the master to die at {failpoint}")
        assert master.exit_status == -signal.SIGKILL, failpoint

    def start_child(self, name):
        """Starts a whole child, whose name says how work comes to it: `push` or `pull`."""
        away = ("--master", self.cable.url if name == "pull" else self.master.url)
        url = ("--url", "auto") if name == "push" else ()
        place = ("--state", str(child_state(self.state, name)), "--port", str(self.ports[name]))
        command = ["child", "serve", "--name", name, *place, *away, *url, *CHILD_OPTIONS]
        token = {"COMMONSIGHT_JOIN_TOKEN": self.master.join_token(approve=True)}
        self.servers.spawn(name, command, token)

    def meet_child(self, name):
        """Waits until a child answers its site."""
        self.children[name] = Child(*child_of(self.servers, name))

    def add_light_node(self, name, study, counts, work, *, push=False):
        """A light node that takes part from now on."""
        kind = LightPushNode if push else LightNode
        self.light[name] = kind(self.master, name, study, counts, work)

    def close(self):
        """Ends everything."""
        for node in self.light.values():
            node.close()
        self.servers.stop()
        self.cable.close()
