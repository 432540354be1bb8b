"""What the volume keeps of the job records, for the day on which Redis has lost them.

Each attempt's folder holds the record as it was when the attempt began and, later, when it
ended. The record in Redis is the truth; this copy is read by `fitq reindex` only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.record import UNREADABLE, JobRecord
from fitq_shared.store import Store


def keep(store: Store, record: JobRecord) -> None:
    """Write the record, without its owner's secret, into the folder of its attempt.

    Raises:
        StoreError: the volume cannot be written.
    """
    fields = {name: v for name, v in record.to_fields().items() if name not in ("token", "lease")}
    AttemptFolder.of(store, record).write_json(AttemptFolder.record, fields)


def newest(store: Store) -> Iterator[JobRecord]:
    """The newest record of every job that the volume knows.

    Raises:
        StoreError: the volume cannot be read.
    """
    found: dict[str, JobRecord] = {}
    for path in store.files("jobs"):
        job, _, rest = path.partition("/")
        if not rest.endswith(f"/{AttemptFolder.record}"):
            continue
        record = _read(store, f"jobs/{path}")
        if record is None or record.id != job:
            continue
        if job not in found or found[job].attempt < record.attempt:
            found[job] = record
    yield from found.values()


def to_be_restored(record: JobRecord) -> dict[str, str]:
    """The fields of the record to write: a job that had not ended is queued as its next attempt, or
    waits again for those that it comes after."""
    fields = record.to_fields()
    if record.ended:
        return fields
    for name in ("worker", "device_name", "started", "due"):
        fields.pop(name, None)
    state = "waiting" if record.after and not record.released else "queued"
    return {**fields, "state": state, "attempt": str(record.attempt + 1)}


def _read(store: Store, path: str) -> JobRecord | None:
    """The record in this file; None where the file is not one."""
    try:
        fields: Any = json.loads(store.read(path))
        return JobRecord.from_fields(fields)
    except UNREADABLE:
        return None
