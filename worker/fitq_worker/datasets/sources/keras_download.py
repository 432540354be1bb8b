"""Keras's own download, from the internet."""

from __future__ import annotations

import contextlib
import importlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fitq_shared.catalogue import DatasetFacts
from fitq_worker.datasets.dataset import Arrays
from fitq_worker.datasets.sources.keras_cache import keras_homes
from fitq_worker.datasets.sources.source import SourceUnavailable


@dataclass(frozen=True)
class KerasDownload:
    """`keras.datasets.<name>.load_data()`, which must connect soon or is given up.

    Keras's downloads know no timeout, and the resolver knows none at all, so the download
    runs in a thread. It is given up unless it has begun to write below Keras's home after
    `connect_seconds`, and at `total_seconds` in any case; Python cannot end a thread, so a
    download that hangs stays in the background until its sockets time out. While it runs,
    `connect_seconds` is the default timeout of every new socket of this process.

    What it downloads stays in Keras's own cache, as if the user had called it.

    Attributes:
        module: the module that has `load_data`.
        target: the file or folder below Keras's home that it writes.
    """

    module: str
    target: str
    connect_seconds: float = 5.0
    total_seconds: float = 600.0
    name = "Keras's download"

    def fetch(self, facts: DatasetFacts) -> Arrays:
        """The arrays, as Keras gives them.

        Raises:
            SourceUnavailable: Keras is not installed, the network is not there, or slow.
        """
        try:
            load_data = importlib.import_module(self.module).load_data
        except ImportError as error:
            raise SourceUnavailable(f"cannot import {self.module}: {error}") from error
        before = self._state()
        with _socket_timeout(self.connect_seconds):
            call = _Call(load_data)
            if not call.wait(self.connect_seconds) and self._state() == before:
                raise SourceUnavailable(f"no connection within {self.connect_seconds:g} s")
            if not call.wait(self.total_seconds - self.connect_seconds):
                raise SourceUnavailable(f"not done within {self.total_seconds:g} s")
        if call.error is not None:
            reason = str(call.error) or type(call.error).__name__
            raise SourceUnavailable(reason) from call.error
        (x_train, y_train), (x_test, y_test) = call.value
        return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}

    def _state(self) -> dict[Path, tuple[int, int]]:
        """Size and time of what is at the target, which a download changes when it begins."""
        found = {}
        for home in keras_homes():
            target = home / self.target
            for path in (target, *target.glob("*")):
                with contextlib.suppress(OSError):
                    status = path.stat()
                    found[path] = (status.st_size, status.st_mtime_ns)
        return found


class _Call:
    """A function that runs in the background; its end is the end of nobody's process."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self.value: Any = None
        self.error: Exception | None = None
        self._function = function
        self._thread = threading.Thread(target=self._run, name="keras-download", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Whether it is done, after at most so long."""
        self._thread.join(max(seconds, 0.0))
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.value = self._function()
        except Exception as error:  # Keras raises a bare Exception when a download fails
            self.error = error


@contextlib.contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
