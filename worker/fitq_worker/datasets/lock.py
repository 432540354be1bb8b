"""One worker at a time: a lock file beside what is about to be written."""

from __future__ import annotations

import contextlib
import fcntl
import logging
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)


@contextlib.contextmanager
def alone(path: Path | None) -> Iterator[None]:
    """Hold the lock file while the body runs; wait for whoever has it.

    The lock goes with the process that holds it, so a killed worker blocks nobody. Without a
    path, or where the file cannot be made or locked, the body runs unlocked: the lock saves
    work, correctness does not hang on it.

    Args:
        path: the lock file; its folder is made. It stays behind, empty.
    """
    with contextlib.ExitStack() as stack:
        if path is not None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                _acquire(stack.enter_context(path.open("ab")).fileno(), path)
            except OSError as error:
                log.warning("going on without the lock %s: %s", path, error.strerror or error)
        yield


def _acquire(file: int, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        log.info("waiting for the worker that holds %s", path)
        fcntl.flock(file, fcntl.LOCK_EX)
