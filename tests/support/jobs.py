"""Small jobs for tests, and ways to meet them in the middle."""

from __future__ import annotations

from typing import Any

from celery import Celery

from fitq.drafts import complete
from fitq.queue import Queue
from fitq_shared.dispatch import create, send
from fitq_shared.record import JobRecord
from fitq_shared.records import Records
from fitq_shared.specs.base import JobSpec
from support.waiting import wait_until


def training(client: Queue, **changes: Any) -> JobSpec:
    """A training of a second or two, unless the changes make it longer."""
    values: dict[str, Any] = {
        "kind": "train",
        "dataset": "mnist",
        "model": {"type": "mlp", "units": [16]},
        "epochs": 1,
        "batch_size": 2048,
        "validation_split": 0.5,
        "seed": 1,
    }
    return complete({**values, **changes}, client.settings)


def submit(app: Celery, records: Records, spec: JobSpec) -> JobRecord:
    """Queue a job without a client."""
    record = create(records, spec)
    send(app, record)
    return record


def wait_for_state(client: Queue, record: JobRecord, *states: str) -> JobRecord:
    """The record as soon as the job is in one of these states."""

    def ask() -> JobRecord | None:
        current = client.job(record.id)
        return current if current.state in states else None

    return wait_until(ask, 120, f"state {' or '.join(states)} of {record.name}") or record


def wait_for_epoch(client: Queue, record: JobRecord, attempt: int = 1) -> None:
    """Return when an attempt of the job has finished its first epoch."""
    for event in client.events(record):
        if event is not None and event.type == "epoch" and event.attempt == attempt:
            return
        assert not client.job(record.id).ended, "the job ended before its first epoch"


def event_types(client: Queue, record: JobRecord) -> list[str]:
    """All that has happened to a job, in order, without progress and epochs."""
    found = []
    for event in client.events(record):
        if event is None:
            return found
        if event.type not in ("progress", "epoch"):
            found.append(event.type)
    return found
