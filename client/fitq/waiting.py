"""What a queued job, or a sweep, waits for, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fitq_shared.lanes import Place
from fitq_shared.queues import Needs
from fitq_shared.record import JobRecord
from fitq_shared.workers import WorkerInfo

if TYPE_CHECKING:
    from fitq_shared.sweeps.record import SweepRecord

MOST_LISTED = 5


def nobody(record: JobRecord, workers: Sequence[WorkerInfo]) -> str:
    """That no worker takes such a job now, which there are, and what would help; else nothing."""
    return no_taker(record.needs, record.schema, workers)


def no_taker(needs: Needs, schema: int, workers: Sequence[WorkerInfo]) -> str:
    """As `nobody`, of jobs with these needs, in this version."""
    if _takers(needs, schema, workers):
        return ""
    who = "worker that allows code" if needs.code else "worker"
    text = f"waiting: no {who} takes jobs for {replace(needs, code=False)} now"
    others = sorted({worker.schema for worker in workers} - {schema})
    if others:
        versions = ", ".join(map(str, others))
        return (
            f"{text}; the job is of version {schema}, and there are workers for version "
            f"{versions}: bring them and this client to the same release of fitq"
        )
    return f"{text}; start one with `fitq-worker{_flags(needs)}`{_stack(needs)}{_there(workers)}"


def what_a_sweep_waits_for(
    sweep: SweepRecord, before: Sequence[JobRecord], workers: Sequence[WorkerInfo]
) -> str:
    """Why no trial of a sweep is begun or can run, and what would help; nothing if some can.

    Args:
        before: the jobs that it comes after, if no trial is begun.
    """
    conducting = [worker for worker in workers if worker.takes_jobs]
    if sweep.ended:
        return ""
    if not conducting:
        return (
            "waiting: no worker is there, and workers conduct sweeps; start one with "
            f"`fitq-worker`, or a local stack with `fitq up`{_there(workers)}"
        )
    if any(job.state != "succeeded" for job in before):
        return after_whom(before)
    spec = sweep.parsed()
    if spec.sampler == "optuna" and not any(worker.optuna for worker in conducting):
        return (
            "waiting: Optuna is to choose the values, and no worker has it; install it where one "
            f"runs (`pip install optuna`), and start that again{_there(workers)}"
        )
    trial = spec.trial(1, spec.drawn(1), sweep.tag)
    return no_taker(trial.needs, trial.schema_version, workers)


def after_whom(before: Sequence[JobRecord]) -> str:
    """Which of the jobs that a waiting job comes after have not succeeded yet."""
    open_ = [f"{record.name}, which is {record.state}" for record in before]
    done = [record.state == "succeeded" for record in before]
    left = [text for text, over in zip(open_, done, strict=True) if not over]
    return (
        f"waiting: after {'; and after '.join(left)}"
        if left
        else "waiting: all before it have succeeded; it is queued within seconds"
    )


def where_it_stands(record: JobRecord, place: Place, workers: Sequence[WorkerInfo]) -> str:
    """How many jobs are before a queued job, and how many workers take such jobs."""
    parts = ["it is next" if place.before == 0 else f"{place.before} before it"]
    if place.beside:
        parts.append(f"in turn with {place.beside} of others")
    if place.above:
        parts.append(f"{place.above} of higher priority, which mostly go first")
    there = len(_takers(record.needs, record.schema, workers))
    return f"waiting: {', '.join(parts)}, {there} worker{'s' if there > 1 else ''}"


def _takers(needs: Needs, schema: int, workers: Sequence[WorkerInfo]) -> list[WorkerInfo]:
    return [worker for worker in workers if worker.takes_jobs and worker.serves(needs, schema)]


def _there(workers: Sequence[WorkerInfo]) -> str:
    return f"; there are: {_listed(workers)}" if workers else ""


def _listed(workers: Sequence[WorkerInfo]) -> str:
    names = [
        f"{worker.name} ({worker.device_name}"
        + (")" if worker.takes_jobs else f", {worker.state})")
        for worker in workers
    ]
    more = len(names) - MOST_LISTED
    return ", ".join(names[:MOST_LISTED]) + (f" and {more} more" if more > 0 else "")


def _flags(needs: Needs) -> str:
    device = "" if needs.device == "any" else f" --device {needs.device}"
    gpus = f" --gpus {needs.gpus}" if (needs.gpus or 1) > 1 else ""
    return device + gpus + (" --allow-code" if needs.code else "")


def _stack(needs: Needs) -> str:
    """The local stack starts one worker for each device: none for several."""
    return "" if (needs.gpus or 1) > 1 else ", or a local stack with `fitq up`"
