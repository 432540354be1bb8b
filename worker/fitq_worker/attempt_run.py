"""One attempt of one job, from its claim to its publication. Runs in the child."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import redis
from kombu.exceptions import OperationalError

from fitq_shared import snapshots
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.changes import Changes
from fitq_shared.dispatch import settle_all
from fitq_shared.errors import FitqError
from fitq_shared.record import Attempt, JobRecord
from fitq_shared.signing import check_record
from fitq_shared.specs.kinds import parse_spec
from fitq_worker import flags
from fitq_worker.attempt_end import NotPublished, failed, stopped
from fitq_worker.checkpoints import remove_checkpoints
from fitq_worker.child import CHILD_CANNOT_GO_ON
from fitq_worker.child_tools import ChildTools, open_tools
from fitq_worker.job_context import JobContext, Said
from fitq_worker.job_log import job_log
from fitq_worker.jobs import HANDLERS
from fitq_worker.other_threads import ProcessDied, run_with_threads
from fitq_worker.own_errors import own_errors
from fitq_worker.pending_models import resolved
from fitq_worker.reporter import Reporter, StopJob

if TYPE_CHECKING:
    from celery import Celery

    from fitq_shared.settings import Settings
    from fitq_worker.identity import Identity

log = logging.getLogger(__name__)


_child: ChildTools


def prepare(app: Celery, settings: Settings, identity: Identity) -> None:
    """Set up the child, once, after the fork."""
    global _child  # noqa: PLW0603 - one child, one set of connections
    _child = open_tools(app, settings, identity)


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


def _claim_and_run(child: ChildTools, job_id: str, number: int, spec_hash: str) -> dict[str, Any]:
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


def _claim(child: ChildTools, job_id: str, number: int, spec_hash: str) -> Attempt | str:
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


def _settle_chains(child: ChildTools) -> None:
    """Let those go that come after this job; if that fails, a reaper does it within a second."""
    try:
        settle_all(child.app, Changes(child.live_attempts.records))
    except (redis.RedisError, OperationalError) as error:
        log.warning("what comes after this job is left to the reapers: %s", error)


def _run_to_its_end(child: ChildTools, attempt: Attempt) -> dict[str, Any]:
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
        raise stopped(child, attempt, folder, stop.order) from stop
    except Exception as error:
        if isinstance(error, redis.RedisError):
            raise
        raise failed(child, attempt, folder, error) from error
    if not published:
        raise NotPublished("outdated")
    remove_checkpoints(child.store, record)
    return {**_rounded(metrics), "artifacts": folder.location}


def _work(
    child: ChildTools, attempt: Attempt, record: JobRecord, folder: AttemptFolder
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


def _rounded(metrics: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in metrics.items()}
