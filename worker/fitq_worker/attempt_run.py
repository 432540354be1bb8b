"""One attempt of one job, from its claim to its publication. Runs in the child."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import redis
from kombu.exceptions import OperationalError

from fitq_shared import snapshots
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.attempts import Attempts
from fitq_shared.changes import Changes
from fitq_shared.dispatch import settle_all
from fitq_shared.errors import FitqError, JobError, StoreError
from fitq_shared.lease import Lease
from fitq_shared.record import Attempt, JobRecord, Reason
from fitq_shared.records import Records
from fitq_shared.redis_link import open_redis
from fitq_shared.signing import Signer, check_record
from fitq_shared.specs.kinds import parse_spec
from fitq_shared.store import Store
from fitq_worker import flags
from fitq_worker.checkpoints import remove_checkpoints
from fitq_worker.child import CHILD_CANNOT_GO_ON
from fitq_worker.failures import explain, may_pass
from fitq_worker.giving_back import Counts, give_back
from fitq_worker.job_context import JobContext, Said
from fitq_worker.job_log import job_log
from fitq_worker.jobs import HANDLERS
from fitq_worker.other_threads import ProcessDied, run_with_threads
from fitq_worker.own_errors import own_errors
from fitq_worker.pending_models import resolved
from fitq_worker.reporter import Reporter, StopJob
from fitq_worker.stuck_jobs import timed_out
from fitq_worker.volume import open_volume
from fitq_worker.volume_probe import wait_until_writable

if TYPE_CHECKING:
    from celery import Celery

    from fitq_shared.settings import Settings
    from fitq_worker.identity import Identity

log = logging.getLogger(__name__)


class NotPublished(Exception):
    """This attempt ended without a result or a failure of its own; the text says how."""


@dataclass(frozen=True)
class _Child:
    """What the child keeps from job to job."""

    app: Celery
    store: Store
    identity: Identity
    records: Records
    attempts: Attempts
    live_attempts: Attempts
    lease: Lease
    signer: Signer | None


_child: _Child


def prepare(app: Celery, settings: Settings, identity: Identity) -> None:
    """Set up the child, once, after the fork."""
    global _child  # noqa: PLW0603 - one child, one set of connections
    patient = open_redis(settings, patient=True)
    records = Records(patient)
    _child = _Child(
        app=app,
        store=open_volume(settings),
        identity=identity,
        records=records,
        attempts=Attempts(records, settings.loss_limit),
        live_attempts=Attempts(Records(open_redis(settings))),
        lease=identity.lease(patient, settings.lease_seconds),
        signer=Signer.from_settings(settings),
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
    try:
        with flags.in_hand(job_id, number):
            return _claim_and_run(child, job_id, number, spec_hash)
    except redis.RedisError:
        # Redis stayed away for longer than we try. Only the parent can still hand the job back,
        # and it does so when this process dies.
        log.exception("job %s: its outcome cannot be recorded", job_id)
        logging.shutdown()
        os._exit(CHILD_CANNOT_GO_ON)
    except ProcessDied as died:
        # As if this process had died with it: the parent hands the job back.
        log.exception("job %s", job_id)
        logging.shutdown()
        os._exit(max(1, died.code))


def _claim_and_run(child: _Child, job_id: str, number: int, spec_hash: str) -> dict[str, Any]:
    identity = child.identity
    if not identity.allows_code and child.records.get(job_id).needs.code:
        # Only a message that was sent to the wrong queue comes here: its job still waits elsewhere.
        log.warning("job %s: left, it brings code of its own, which is not allowed here", job_id)
        raise NotPublished("not-allowed")
    attempt = _claim(child, job_id, number, spec_hash)
    # The lease may have run out while Redis was away; the parent renews it, if not just yet.
    if attempt == "no-lease" and child.lease.renew() == "held":
        attempt = _claim(child, job_id, number, spec_hash)
    if isinstance(attempt, str):
        log.info("job %s, attempt %s: dropped, its message is %s", job_id, number, attempt)
        raise NotPublished(attempt)
    record = child.records.get(job_id)
    if record.threads is not None and record.threads != identity.threads:
        return run_with_threads(identity, attempt, record.threads)
    return run_claimed(attempt)


def _claim(child: _Child, job_id: str, number: int, spec_hash: str) -> Attempt | str:
    identity = child.identity
    return child.attempts.claim(
        *(job_id, number, spec_hash, child.lease),
        worker=identity.name,
        device_name=identity.device_name,
        threads=identity.threads,
    )


def run_claimed(attempt: Attempt) -> dict[str, Any]:
    """Run a claimed attempt, and publish what it made; as `run_attempt`."""
    child = _child
    try:
        return _run_to_its_end(child, attempt)
    finally:
        _settle_chains(child)


def _settle_chains(child: _Child) -> None:
    """Let those go that come after this job; if that fails, a reaper does it within a second."""
    try:
        settle_all(child.app, Changes(child.live_attempts.records))
    except (redis.RedisError, OperationalError) as error:
        log.warning("what comes after this job is left to the reapers: %s", error)


def _run_to_its_end(child: _Child, attempt: Attempt) -> dict[str, Any]:
    record = child.records.get(attempt.job_id)
    if (record.id, record.attempt) != (attempt.job_id, attempt.number):
        raise NotPublished("outdated")
    folder = AttemptFolder.of(child.store, record)
    try:
        check_record(record, child.signer)
        metrics, said = _work(child, attempt, record, folder)
        name = record.spec.get("model_name") if record.kind == "train" else None
        published = child.attempts.succeed(
            *(attempt, folder.seal(), metrics, name),
            rows_used=said.rows_used,
            summary=said.summary,
        )
    except StopJob as stop:
        return _stopped(child, attempt, folder, stop.order)
    except Exception as error:
        if isinstance(error, redis.RedisError):
            raise
        return _failed(child, attempt, folder, error)
    if not published:
        raise NotPublished("outdated")
    remove_checkpoints(child.store, record)
    return {**_rounded(metrics), "artifacts": folder.location}


def _work(
    child: _Child, attempt: Attempt, record: JobRecord, folder: AttemptFolder
) -> tuple[dict[str, float], Said]:
    spec = resolved(parse_spec(record.spec), child.records, child.signer)
    context = JobContext(
        record=record,
        folder=folder,
        store=child.store,
        reporter=Reporter(child.live_attempts, attempt, record.timeout, record.ran),
        identity=child.identity,
        records=child.records,
    )
    snapshots.keep(child.store, record)
    folder.write_json(AttemptFolder.spec, record.spec)
    with folder.file(AttemptFolder.log) as path, job_log(path, _shown_by(folder)) as job:
        job.info("%s %s: %s", record.kind, record.name, record.summary)
        job.info("attempt %s on %s, %s", attempt.number, record.worker, record.device_name)
        try:
            with context.until_end, own_errors():
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
    return metrics, context.said


def _shown_by(folder: AttemptFolder) -> Callable[[Path], None] | None:
    """How a log becomes visible while it grows; a file in a folder already is."""
    return None if folder.is_local else lambda path: folder.upload(path, AttemptFolder.log)


def _stopped(child: _Child, attempt: Attempt, folder: AttemptFolder, order: str) -> dict[str, Any]:
    if order == "cancel":
        child.attempts.cancelled(attempt)
    elif order == "timeout":
        _fail(child, attempt, folder, timed_out(child.records.get(attempt.job_id)))
    elif order == "drain":
        reason = Reason("drain", f"the worker {child.identity.name} was told to leave")
        _give_back(child, attempt, reason, "", patient=not flags.cut_off())
    raise NotPublished(order)


def _failed(
    child: _Child, attempt: Attempt, folder: AttemptFolder, error: Exception
) -> dict[str, Any]:
    reason = explain(error)
    log.warning("job %s failed: %s", attempt.job_id, reason.message)
    if may_pass(error) or not child.store.is_there:
        _give_back(child, attempt, reason, "fault")
        wait_until_writable(child.store, child.identity.token)
        raise NotPublished(reason.kind) from error
    if not _fail(child, attempt, folder, reason):
        raise NotPublished("outdated") from error
    shown = f"{reason.message}; {reason.hint}" if reason.hint else reason.message
    raise JobError(shown) from error


def _fail(child: _Child, attempt: Attempt, folder: AttemptFolder, reason: Reason) -> bool:
    _seal(attempt, folder)
    return child.attempts.fail(attempt, reason)


def _seal(attempt: Attempt, folder: AttemptFolder) -> None:
    """Write the manifest of what an attempt without a result leaves, if that can be done."""
    try:
        folder.seal()
    except StoreError as unsealed:
        log.warning("job %s: no manifest: %s", attempt.job_id, unsealed.message)


def _give_back(
    child: _Child, attempt: Attempt, reason: Reason, counts: Counts, *, patient: bool = True
) -> None:
    attempts = child.attempts if patient else child.live_attempts
    give_back(child.app, attempts, attempt, reason, counts)


def _rounded(metrics: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in metrics.items()}
