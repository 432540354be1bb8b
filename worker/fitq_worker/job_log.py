"""The log of one attempt: what is logged while it runs goes to log.txt too."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def job_log(path: Path) -> Iterator[logging.Logger]:
    """Log to this file within the block; the logger given is the job's own."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    logger = logging.getLogger("fitq.job")
    logger.setLevel(logging.INFO)
    root.addHandler(handler)
    try:
        yield logger
    finally:
        root.removeHandler(handler)
        handler.close()
