"""What is left to do for a job once its record says that it has ended."""

from __future__ import annotations

import logging

from fitq_shared import snapshots
from fitq_shared.errors import StoreError
from fitq_shared.record import JobRecord
from fitq_shared.store import Store

log = logging.getLogger(__name__)


def keep_record(store: Store, record: JobRecord) -> None:
    """Put a copy of the ended record into the volume; without it the job has ended all the same."""
    try:
        snapshots.keep(store, record)
    except StoreError as error:
        log.warning("job %s: no copy of its record in the volume: %s", record.id, error.message)
