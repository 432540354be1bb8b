"""Waits for a volume that cannot be written to come back."""

from __future__ import annotations

import logging
import time

from fitq_shared.errors import StoreError
from fitq_shared.store import Store
from fitq_worker import flags

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
PROBE_BYTES = 64 * 1024


def wait_until_writable(store: Store, token: str) -> None:
    """Return when a file of some size can be written, or the worker is told to leave.

    Else a worker whose volume is full would take one job after the other only to give it back.

    Args:
        token: what no other worker has: the name of the file, which does not stay.
    """
    path = f"probes/{token}"
    told = False
    while not flags.draining():
        try:
            store.write(path, bytes(PROBE_BYTES))
            store.remove(path)
        except StoreError as error:
            if not told:
                log.warning("no jobs are taken until the volume can be written: %s", error.message)
                told = True
            time.sleep(PAUSE_SECONDS)
        else:
            if told:
                log.warning("the volume can be written again")
            return
