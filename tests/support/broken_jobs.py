"""What a job must look like after something was broken while it ran."""

from __future__ import annotations

import hashlib
import json

from fitq.queue import Queue
from fitq_shared.record import JobRecord
from support.jobs import event_types, training, wait_for_state
from support.worker import Worker

EPOCHS = 12


def submit_long(queue: Queue) -> JobRecord:
    """Submit a training of several seconds."""
    return queue.submit(training(queue, epochs=EPOCHS))


def runner_of(queue: Queue, record: JobRecord, workers: list[Worker]) -> tuple[Worker, Worker]:
    """The worker that runs the job, and the other one."""
    name = queue.job(record.id).worker
    first, second = workers
    assert first.info and second.info
    return (first, second) if first.info.name == name else (second, first)


def assert_published_once(queue: Queue, record: JobRecord, attempt: int) -> None:
    """The job has succeeded in this attempt, its artifacts are as the manifest says."""
    ended = wait_for_state(queue, record, "succeeded", "failed", "cancelled")
    assert (ended.state, ended.attempt) == ("succeeded", attempt)
    assert event_types(queue, record).count("succeeded") == 1
    folder = queue.artifacts.folder(ended)
    assert ended.manifest is not None
    for name, expected in folder.sums(ended.manifest).items():
        assert hashlib.sha256(folder.read(name)).hexdigest() == expected
    assert len(json.loads(folder.read("history.json"))) == EPOCHS
