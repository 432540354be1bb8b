"""Loopback ports for the stack's servers: those of the last time, where they are still free."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

from fitq.stack.folder import read_json, write_json

LOOPBACK = "127.0.0.1"


def choose_ports(file: Path, *names: str) -> dict[str, int]:
    """A free port for each name, all different, remembered in the file."""
    remembered = read_json(file)
    with contextlib.ExitStack() as held:
        chosen = {name: _free_port(remembered.get(name), held) for name in names}
    write_json(file, remembered | chosen)
    return chosen


def _free_port(preferred: object, held: contextlib.ExitStack) -> int:
    """The preferred port, or another; bound until `held` closes, so that it is given once."""
    candidates = [preferred, 0] if isinstance(preferred, int) and 0 < preferred < 65536 else [0]
    for port in candidates:
        server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((LOOPBACK, port))
            # Two sockets that only bind may share a port; listening makes it exclusive.
            server.listen(1)
        except OSError:
            server.close()
            continue
        held.callback(server.close)
        return int(server.getsockname()[1])
    raise OSError("no free port on the loopback address")
