"""A real S3 server on this machine: moto's, in a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import s3fs

from support.waiting import wait_until


class S3Server:
    """Serves S3 until it is stopped; what was stored goes with it."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        with (folder / "s3.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(self._answers, 60, "an S3 server")
        _forget_servers()

    def environment(self, port: int) -> dict[str, str]:
        """What a process needs to find the server behind this port, and to log in."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "tester",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def stop(self) -> None:
        """End the server."""
        self.process.kill()
        self.process.wait()
        _forget_servers()

    def _answers(self) -> bool:
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", self.port)) == 0


def _forget_servers() -> None:
    """fsspec keeps file systems as long as the process, those of servers that have gone too."""
    s3fs.S3FileSystem.clear_instance_cache()
