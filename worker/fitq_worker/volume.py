"""The volume that this worker began with, for as long as it lives.

A volume that is gone leaves a place behind, which may be on the host's own disk: nothing is to be
written there, and what a job finds or misses there says nothing about the job.
"""

from __future__ import annotations

import logging
import os

from fitq_shared.errors import StoreError
from fitq_shared.settings import Settings
from fitq_shared.store import Store

log = logging.getLogger(__name__)

VARIABLE = "FITQ_VOLUME_MARK"


def remember(settings: Settings) -> None:
    """Mark the volume, for this process and those that it starts. Once, in the parent.

    A store that is no folder is not mounted, so nothing else can be in its place.
    """
    store = Store(settings.store_url or "")
    if store.folder is None:
        return
    try:
        os.environ[VARIABLE] = store.marked()
    except StoreError as error:
        log.warning("the volume cannot be marked: %s", error.message)


def open_volume(settings: Settings) -> Store:
    """The volume that was remembered."""
    return Store(settings.store_url or "", os.environ.get(VARIABLE, ""))
