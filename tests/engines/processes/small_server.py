"""A small real server process for tests: announces itself, answers, ends as it is told to.

Its argument says how it behaves: `good`, `broken` (ends at once), `stubborn` (ignores
SIGTERM and has a worker of its own in its group) or `patient` (takes its time to end, and bears
to be asked for it only once).
"""

import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

BEHAVIOUR = sys.argv[1]

if BEHAVIOUR == "broken":
    print("first line", file=sys.stderr)
    sys.exit("The cupboard is bare.")

if BEHAVIOUR == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print(f"worker {worker.pid}", file=sys.stderr, flush=True)
elif BEHAVIOUR == "patient":
    asked: list[int] = []

    def end(number: int, _frame: object) -> None:
        asked.append(number)
        if len(asked) > 1:
            os._exit(3)
        print("ending", file=sys.stderr, flush=True)
        time.sleep(0.3)
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
else:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
print("some other line")
print(f"ready http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
