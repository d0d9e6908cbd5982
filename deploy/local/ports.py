"""Free ports on loopback."""

import socket
import sys
from contextlib import ExitStack

LOOPBACK = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """Return ports nobody listens on, no two alike; on Linux, kept while we live.

    The kernel then gives them to nobody who lets it choose, to listen or to connect. A
    server that names its port, and allows its reuse as all of ours do, gets it.
    """
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        ports = [each.getsockname()[1] for each in sockets]
        if sys.platform == "linux":  # elsewhere not even its server could listen there
            for each in sockets:
                # Only now: who may reuse ports can be given one that another keeps.
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                each.detach()
        return ports


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # Connections of a former listener that linger don't take the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0
