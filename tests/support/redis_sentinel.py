"""A Redis, its replica, and a Sentinel that makes the one the other."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from fitq.stack.redis_server import find_redis_server
from fitq_shared.settings import Settings
from support.redis_server import RedisServer, free_port
from support.waiting import wait_until

NAME = "main"
PASSWORD = "of-redis"
SENTINEL_PASSWORD = "of-sentinel"


class WatchedRedis:
    """Three processes on loopback ports. The Sentinel decides alone, after a second."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        login = ("--requirepass", PASSWORD, "--masterauth", PASSWORD)
        url = f"redis://:{PASSWORD}@127.0.0.1:{{port}}/0"
        for name in ("primary", "replica", "sentinel"):
            (folder / name).mkdir(parents=True)
        self.primary = RedisServer(folder / "primary", *login, url=url)
        self.replica = RedisServer(
            folder / "replica", *login, "--replicaof", f"127.0.0.1 {self.primary.port}", url=url
        )
        self._port = free_port()
        self._sentinel = self._start_sentinel()
        self.settings = Settings(
            f"sentinel://:{PASSWORD}@127.0.0.1:{self._port}/0"
            f"?master_name={NAME}&sentinel_password={SENTINEL_PASSWORD}",
            owner="tester",
        )
        try:
            wait_until(self._replicates, 30, "a replica that the Sentinel knows")
        except BaseException:
            self.stop()
            raise

    def wait_for_failover(self) -> None:
        """Return when the replica has become the primary."""
        wait_until(lambda: self._state()["port"] == self.replica.port, 60, "the failover")

    def stop(self) -> None:
        """End the three processes, and no other."""
        self._sentinel.terminate()
        self._sentinel.wait(timeout=20)
        self.replica.stop()
        self.primary.stop()

    def _start_sentinel(self) -> subprocess.Popen[bytes]:
        configuration = self._folder / "sentinel" / "sentinel.conf"
        lines = (
            f"port {self._port}",
            "bind 127.0.0.1",
            f"dir {configuration.parent}",
            f"requirepass {SENTINEL_PASSWORD}",
            f"sentinel monitor {NAME} 127.0.0.1 {self.primary.port} 1",
            f"sentinel auth-pass {NAME} {PASSWORD}",
            f"sentinel down-after-milliseconds {NAME} 1000",
            f"sentinel failover-timeout {NAME} 5000",
        )
        configuration.write_text("\n".join(lines) + "\n")
        with (configuration.parent / "sentinel.log").open("ab") as log:
            return subprocess.Popen(
                ["redis-server", str(configuration), "--sentinel"],
                executable=find_redis_server(),
                stdout=log,
                stderr=log,
            )

    def _replicates(self) -> bool:
        with self._link(self.primary.port, PASSWORD) as primary:
            connected = primary.info("replication")["connected_slaves"]
        return bool(connected and self._state()["num-slaves"])

    def _state(self) -> dict[str, Any]:
        """What the Sentinel knows; it is asked as soon as it answers."""
        with self._link(self._port, SENTINEL_PASSWORD) as sentinel:
            state: dict[str, Any] = sentinel.sentinel_master(NAME)
        return state

    @staticmethod
    def _link(port: int, password: str) -> redis.Redis:
        retry = Retry(ConstantBackoff(0.1), 100)
        return redis.Redis(port=port, password=password, decode_responses=True, retry=retry)
