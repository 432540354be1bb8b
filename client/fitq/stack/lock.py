"""One `fitq up` or `fitq down` at a time in a folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from fitq_shared.errors import StackError


@contextlib.contextmanager
def only_one(file: Path) -> Iterator[None]:
    """Hold the lock; the kernel lets go of it however this process ends.

    Raises:
        StackError: another process holds it, or this user may not.
    """
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StackError(
            f"{file} cannot be opened: {error.strerror}",
            "this stack is its owner's: use a folder of your own",
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise StackError(
            f"another `fitq up` or `fitq down` is at work in {file.parent}",
            "wait until it has ended",
        ) from error
    try:
        yield
    finally:
        os.close(descriptor)
