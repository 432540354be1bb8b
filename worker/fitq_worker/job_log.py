"""The log of one attempt: what is logged while it runs goes to log.txt too."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from fitq_shared.errors import StoreError

log = logging.getLogger(__name__)

SHOWN_SECONDS = 5.0


@contextlib.contextmanager
def job_log(path: Path, show: Callable[[Path], None] | None = None) -> Iterator[logging.Logger]:
    """Log to this file within the block; the logger given is the job's own.

    Args:
        show: puts the file where others see it; called every few seconds while there is news.
    """
    handler = logging.FileHandler(path, encoding="utf-8") if show is None else _Shown(path, show)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    logger = logging.getLogger("fitq.job")
    logger.setLevel(logging.INFO)
    root.addHandler(handler)
    try:
        yield logger
    finally:
        root.removeHandler(handler)
        try:
            handler.close()
        except OSError as error:
            # What is still in its buffer is lost. How the job ended is not.
            log.warning("the end of the job's log cannot be written: %s", error)


class _Shown(logging.FileHandler):
    """A log file that is shown now and then while it grows."""

    def __init__(self, path: Path, show: Callable[[Path], None]) -> None:
        super().__init__(path, encoding="utf-8")
        self._path = path
        self._show = show
        self._shown_at = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line; the store being away is no error here: the end of the job will tell."""
        super().emit(record)
        if time.monotonic() - self._shown_at >= SHOWN_SECONDS:
            # Before showing: what the store logs meanwhile comes here, too.
            self._shown_at = time.monotonic()
            with contextlib.suppress(StoreError):
                self._show(self._path)
