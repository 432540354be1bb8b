"""A real Redis (or Valkey) server that belongs to one test session."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

from fitq.stack.redis_server import find_redis_server
from fitq_shared.errors import QueueUnreachable
from fitq_shared.redis_link import open_redis, reporting_unreachable
from fitq_shared.settings import Settings
from support.waiting import wait_until


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class RedisServer:
    """Starts at once; can be stopped, and started again with its data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.settings = Settings(redis_url=f"redis://127.0.0.1:{self._port}/0", owner="tester")
        self.start()

    def start(self) -> None:
        """Start, and wait until it answers."""
        command = [
            find_redis_server(),
            *("--bind", "127.0.0.1", "--port", str(self._port), "--dir", str(self._folder)),
            *("--appendonly", "yes", "--appendfsync", "always", "--save", ""),
        ]
        log = (self._folder / "redis.log").open("ab")
        self._process = subprocess.Popen(command, stdout=log, stderr=log)
        log.close()
        wait_until(self._answers, 20, "Redis")

    def stop(self) -> None:
        """End the server's process, and no other."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
            self._process = None

    def _answers(self) -> bool:
        try:
            with reporting_unreachable(self.settings):
                return bool(open_redis(self.settings).ping())
        except QueueUnreachable:
            return False
