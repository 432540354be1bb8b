"""What a queued job waits for, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fitq_shared.lanes import Place
from fitq_shared.record import JobRecord
from fitq_shared.workers import WorkerInfo

MOST_LISTED = 5


def nobody(record: JobRecord, workers: Sequence[WorkerInfo]) -> str:
    """That no worker takes such a job now, which there are, and what would help; else nothing."""
    if _takers(record, workers):
        return ""
    who = "worker that allows code" if record.needs.code else "worker"
    device = replace(record.needs, code=False)
    text = f"waiting: no {who} takes jobs for {device} now"
    others = sorted({worker.schema for worker in workers} - {record.schema})
    if others:
        versions = ", ".join(map(str, others))
        return (
            f"{text}; the job is of version {record.schema}, and there are workers for version "
            f"{versions}: bring them and this client to the same release of fitq"
        )
    there = f"; there are: {_listed(workers)}" if workers else ""
    return f"{text}; start one with `fitq-worker{_flags(record)}`{_stack(record)}{there}"


def after_whom(before: Sequence[JobRecord]) -> str:
    """Which of the jobs that a waiting job comes after have not succeeded yet."""
    open_ = [f"{record.name}, which is {record.state}" for record in before]
    done = [record.state == "succeeded" for record in before]
    left = [text for text, over in zip(open_, done, strict=True) if not over]
    return f"waiting: after {'; and after '.join(left)}" if left else "waiting: it is let go now"


def where_it_stands(record: JobRecord, place: Place, workers: Sequence[WorkerInfo]) -> str:
    """How many jobs are before a queued job, and how many workers take such jobs."""
    parts = ["it is next" if place.before == 0 else f"{place.before} before it"]
    if place.beside:
        parts.append(f"in turn with {place.beside} of others")
    if place.above:
        parts.append(f"{place.above} of higher priority, which mostly go first")
    there = len(_takers(record, workers))
    return f"waiting: {', '.join(parts)}, {there} worker{'s' if there > 1 else ''}"


def _takers(record: JobRecord, workers: Sequence[WorkerInfo]) -> list[WorkerInfo]:
    return [worker for worker in workers if worker.takes_jobs and worker.serves(record)]


def _listed(workers: Sequence[WorkerInfo]) -> str:
    names = [
        f"{worker.name} ({worker.device_name}"
        + (")" if worker.takes_jobs else f", {worker.state})")
        for worker in workers
    ]
    more = len(names) - MOST_LISTED
    return ", ".join(names[:MOST_LISTED]) + (f" and {more} more" if more > 0 else "")


def _flags(record: JobRecord) -> str:
    needs = record.needs
    device = "" if needs.device == "any" else f" --device {needs.device}"
    gpus = f" --gpus {needs.gpus}" if (needs.gpus or 1) > 1 else ""
    return device + gpus + (" --allow-code" if needs.code else "")


def _stack(record: JobRecord) -> str:
    """The local stack starts one worker for each device: none for several."""
    return "" if (record.needs.gpus or 1) > 1 else ", or a local stack with `fitq up`"
