"""Runs a module for as long as the engine that started it lives.

`python -m engines.processes.tether MODULE ARGUMENTS…` is `python -m MODULE ARGUMENTS…` that
ends when its standard input does. The engine holds the other end of that pipe, so its death
ends its servers however it died (kill -9 too), on every platform.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading

GRACE_SECONDS = 15.0
"""Time to stop cleanly once the engine is gone."""


def end_with_engine(grace: float = GRACE_SECONDS) -> None:
    """Waits for the end of standard input, then stops this process, cleanly if it can."""
    while os.read(0, 4096):
        pass
    # Nobody reads what a server says as it stops; a broken pipe must not keep it from that.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(grace)
    os._exit(1)


def main() -> None:
    """Runs the module that the command line names, as its main program."""
    threading.Thread(target=end_with_engine, name="tether", daemon=True).start()
    module = sys.argv[1]
    del sys.argv[0]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
