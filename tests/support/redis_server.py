"""A real Redis (or Valkey) server that belongs to one test session."""

from __future__ import annotations

import contextlib
import random
import socket
import subprocess
from pathlib import Path

from fitq.stack.redis_server import find_redis_server
from fitq_shared.errors import QueueUnreachable
from fitq_shared.redis_link import open_redis, reporting_unreachable
from fitq_shared.settings import Settings
from support.waiting import wait_until

# Below the ports that Linux gives to outgoing connections (ip_local_port_range): while a server
# is away, a client that tries to reach it could else be given the server's own port.
_PORTS = range(15_000, 32_000)


def free_port() -> int:
    """A loopback port that nobody listens on."""
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


class RedisServer:
    """Starts at once; can be stopped, and started again with its data.

    Args:
        options: of the server, each as on its command line: "--maxmemory", "1mb".
        url: how clients reach it, with {port} for its port.
        program: the server's program, where it must not be the one that is found first. It is
            started under the name `redis-server`, by which it knows what it is to be.
        port_option: the option that the port is given by.
    """

    def __init__(
        self,
        folder: Path,
        *options: str,
        url: str = "redis://127.0.0.1:{port}/0",
        program: str | None = None,
        port_option: str = "--port",
    ) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._program = program or find_redis_server()
        self._options = (port_option, str(self._port), *options)
        self.settings = Settings(redis_url=url.format(port=self._port), owner="tester")
        self.start()

    @property
    def port(self) -> int:
        """The loopback port that it listens on."""
        return self._port

    def start(self) -> None:
        """Start, and wait until it answers."""
        command = [
            *("redis-server", "--bind", "127.0.0.1", "--dir", str(self._folder)),
            *("--appendonly", "yes", "--appendfsync", "always", "--save", ""),
            *self._options,
        ]
        log = (self._folder / "redis.log").open("ab")
        self._process = subprocess.Popen(command, executable=self._program, stdout=log, stderr=log)
        log.close()
        wait_until(self._answers, 20, "Redis")

    def stop(self) -> None:
        """End the server's process, and no other."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
            self._process = None

    def kill(self) -> int:
        """SIGKILL, as a crash: only what reached the disk is there at the next start.

        Returns:
            The process id that is gone.
        """
        assert self._process is not None, "the server does not run"
        self._process.kill()
        self._process.wait(timeout=20)
        pid, self._process = self._process.pid, None
        return pid

    def _answers(self) -> bool:
        try:
            with reporting_unreachable(self.settings):
                return bool(open_redis(self.settings).ping())
        except QueueUnreachable:
            return False
