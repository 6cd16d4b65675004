import os
import signal

from engines.processes.servers import SIGNALS, Servers


def test_signals_are_heard_as_before_once_the_servers_have_stopped(tmp_path):
    before = [signal.getsignal(number) for number in SIGNALS]
    with Servers(tmp_path, os.environ):
        pass
    assert [signal.getsignal(number) for number in SIGNALS] == before
