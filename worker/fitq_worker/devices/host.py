"""Which host this is, to all who compute on it."""

from __future__ import annotations

import socket
from pathlib import Path

from fitq_shared.settings import Settings

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def host_name(settings: Settings) -> str:
    """What people call it; a container has a name of its own."""
    return settings.host or socket.gethostname()


def host_id(settings: Settings) -> str:
    """What it is called in leases on its cores: all containers of a kernel say the same."""
    if settings.host:
        return settings.host
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return socket.gethostname()
