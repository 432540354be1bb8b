"""A thread of a worker's parent, which works beside Celery until it is told to leave."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod


class ParentThread(ABC):
    """One of the parent's duties, in a thread of its own.

    Args:
        name: of the thread, as dumps of its stack show it.
        patience_seconds: for how long `stop` waits for the end; None: as long as it takes.
    """

    def __init__(self, name: str, patience_seconds: float | None = None) -> None:
        self._leave = threading.Event()
        self._patience_seconds = patience_seconds
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Tell it to leave, and wait until it has."""
        self._leave.set()
        self._thread.join(self._patience_seconds)

    @abstractmethod
    def _run(self) -> None:
        """Work until `_leave` is set."""
