"""The store service as its image starts it, on a folder of this machine."""

from __future__ import annotations

import http.client
import subprocess
import sys
from pathlib import Path

from support.redis_server import free_port
from support.waiting import wait_until

PROGRAM = Path(__file__).parents[2] / "deploy/store.py"


class WebdavServer:
    """Serves `folder` to the user "ann", whose password needs quoting in a URL."""

    password = "p/w@: d"

    def __init__(self, folder: Path, work: Path) -> None:
        self.folder = folder
        self.port = free_port()
        login = work / "login"
        login.write_text(f"ann:{self.password}\n")
        self.log = work / "webdav.log"
        command = [sys.executable, str(PROGRAM), str(folder), str(login), str(self.port)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(self._answers, 30, f"the store service (see {self.log})")

    def url(self, login: str = "ann:p%2Fw%40%3A%20d@") -> str:
        """What a client gives as its store."""
        return f"webdav+http://{login}127.0.0.1:{self.port}"

    def stop(self) -> None:
        """End the server's process, and no other."""
        self._process.terminate()
        self._process.wait(timeout=20)

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("OPTIONS", "/")
            return connection.getresponse().status in (200, 401)
        except OSError:
            return False
        finally:
            connection.close()
