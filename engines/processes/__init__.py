"""The engine of real server processes on this machine: `python -m engines.processes`."""
