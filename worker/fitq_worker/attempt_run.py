"""One attempt of one job, from its claim to its publication. Runs in the child."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import redis

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.dispatch import send
from fitq_shared.errors import FitqError, JobError, StoreError
from fitq_shared.lease import Lease
from fitq_shared.record import Attempt, Reason
from fitq_shared.records import Records
from fitq_shared.redis_link import open_redis
from fitq_shared.specs.kinds import parse_spec
from fitq_shared.store import Store
from fitq_worker.failures import explain
from fitq_worker.job_context import JobContext
from fitq_worker.job_log import job_log
from fitq_worker.jobs import HANDLERS
from fitq_worker.reporter import Reporter, StopJob

if TYPE_CHECKING:
    from celery import Celery

    from fitq_shared.settings import Settings
    from fitq_worker.identity import Identity

log = logging.getLogger(__name__)

CHILD_CANNOT_GO_ON = 70


class NotPublished(Exception):
    """This attempt ended without a result or a failure of its own; the text says how."""


@dataclass(frozen=True)
class _Child:
    """What the child keeps from job to job."""

    app: Celery
    store: Store
    identity: Identity
    records: Records
    live_records: Records
    lease: Lease


_child: _Child


def prepare(app: Celery, settings: Settings, identity: Identity) -> None:
    """Set up the child, once, after the fork."""
    global _child  # noqa: PLW0603 - one child, one set of connections
    patient = open_redis(settings, patient=True)
    _child = _Child(
        app=app,
        store=Store(settings.store_url or ""),
        identity=identity,
        records=Records(patient),
        live_records=Records(open_redis(settings)),
        lease=Lease(patient, identity.resource, identity.token, settings.lease_seconds),
    )


def run_attempt(job_id: str, number: int, spec_hash: str) -> dict[str, Any]:
    """Claim a job, run it, and publish what it made.

    Returns:
        The short result that Flower shows: the metrics and where the artifacts are.

    Raises:
        NotPublished: the message was stale, or the job was cancelled, given back or outdated.
        JobError: the job failed; its record says why.
    """
    child = _child
    identity = child.identity
    if not (isinstance(job_id, str) and isinstance(number, int) and isinstance(spec_hash, str)):
        log.warning("dropped a message that makes no sense: %r", (job_id, number, spec_hash))
        raise NotPublished("malformed")
    try:
        attempt = child.records.claim(
            job_id, number, spec_hash, child.lease, identity.name, identity.device_name
        )
        if isinstance(attempt, str):
            log.info("job %s, attempt %s: dropped, its message is %s", job_id, number, attempt)
            raise NotPublished(attempt)
        return _run(child, attempt)
    except redis.RedisError:
        # Redis stayed away for longer than we try. Only the parent can still hand the job back,
        # and it does so when this process dies.
        log.exception("job %s: its outcome cannot be recorded", job_id)
        logging.shutdown()
        os._exit(CHILD_CANNOT_GO_ON)


def _run(child: _Child, attempt: Attempt) -> dict[str, Any]:
    folder = AttemptFolder(child.store, attempt.job_id, attempt.number)
    try:
        metrics = _work(child, attempt, folder)
        published = child.records.succeed(attempt, folder.seal(), metrics)
    except StopJob as stop:
        return _stopped(child, attempt, stop.order)
    except Exception as error:
        if isinstance(error, redis.RedisError):
            raise
        return _failed(child, attempt, folder, error)
    if not published:
        raise NotPublished("outdated")
    return {**_rounded(metrics), "artifacts": folder.location}


def _work(child: _Child, attempt: Attempt, folder: AttemptFolder) -> dict[str, float]:
    record = child.records.get(attempt.job_id)
    spec = parse_spec(record.spec)
    context = JobContext(
        record=record,
        folder=folder,
        store=child.store,
        reporter=Reporter(child.live_records, attempt),
        identity=child.identity,
    )
    folder.write_json(AttemptFolder.spec, record.spec)
    with job_log(folder.local(AttemptFolder.log)) as job:
        job.info("%s %s: %s", record.kind, record.name, record.summary)
        job.info("attempt %s on %s, %s", attempt.number, record.worker, record.device_name)
        try:
            metrics = HANDLERS[record.kind](context, spec)
        except StopJob as stop:
            job.warning("stopped: %s", stop.order)
            raise
        except FitqError as error:
            job.error("failed: %s", error.message)
            raise
        except Exception:
            job.exception("failed")
            raise
        job.info("done: %s", _rounded(metrics))
    return metrics


def _stopped(child: _Child, attempt: Attempt, order: str) -> dict[str, Any]:
    if order == "cancel":
        child.records.cancelled(attempt)
    elif order == "drain":
        reason = Reason("drain", f"the worker {child.identity.name} was told to leave")
        if child.records.give_back(attempt, reason, lost=False) == "queued":
            send(child.app, child.records.get(attempt.job_id))
    raise NotPublished(order)


def _failed(
    child: _Child, attempt: Attempt, folder: AttemptFolder, error: Exception
) -> dict[str, Any]:
    reason = explain(error)
    log.warning("job %s failed: %s", attempt.job_id, reason.message)
    try:
        folder.seal()
    except StoreError as unsealed:
        log.warning("job %s: no manifest: %s", attempt.job_id, unsealed.message)
    if not child.records.fail(attempt, reason):
        raise NotPublished("outdated") from error
    shown = f"{reason.message}; {reason.hint}" if reason.hint else reason.message
    raise JobError(shown) from error


def _rounded(metrics: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in metrics.items()}
