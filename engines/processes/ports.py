"""Ports: which are free, and what to say when one is not."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from engines.processes.errors import PortTaken

DEFAULT_BASE = 8500
HIGHEST = 65_535


def is_free(port: int) -> bool:
    """Whether a server could listen on that port of the loopback interface now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port that only waits for its last connections to fade is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            # Binding may succeed beside a listener with the same option; listening does not.
            probe.listen(1)
        except OSError:
            return False
    return True


def fixed_ports(base: int, names: Sequence[str]) -> dict[str, int]:
    """Ports from `base` on, one for each name, all of them free.

    Raises:
        PortTaken: One of them is in use.
    """
    ports = {name: base + offset for offset, name in enumerate(names)}
    for name, port in ports.items():
        if not is_free(port):
            raise PortTaken(
                f"Port {port}, meant for {name}, is in use by another program on this computer",
                expected=f"ports {base} to {base + len(names) - 1} to be free; with "
                f"--port-base {base} the next free ones are taken instead",
            )
    return ports


def next_free_ports(base: int, names: Sequence[str]) -> dict[str, int]:
    """The lowest free ports from `base` on, one for each name.

    Raises:
        PortTaken: There are not enough of them.
    """
    free = (port for port in range(base, HIGHEST + 1) if is_free(port))
    ports = dict(zip(names, free, strict=False))
    if len(ports) < len(names):
        raise PortTaken(
            f"Too few ports from {base} to {HIGHEST} are free",
            expected=f"{len(names)} free ports; choose a lower --port-base",
        )
    return ports
