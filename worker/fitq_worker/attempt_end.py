"""How an attempt ends that leaves no result: cancelled, given back, or failed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from fitq_shared.errors import JobError, StoreError
from fitq_shared.record import Attempt, Reason
from fitq_worker import flags
from fitq_worker.failures import explain, may_pass
from fitq_worker.giving_back import Counts, give_back
from fitq_worker.stuck_jobs import timed_out
from fitq_worker.volume_probe import wait_until_writable

if TYPE_CHECKING:
    from fitq_shared.attempt_folder import AttemptFolder
    from fitq_worker.child_tools import ChildTools

log = logging.getLogger(__name__)


class NotPublished(Exception):
    """This attempt ended without a result or a failure of its own; the text says how."""


def stopped(child: ChildTools, attempt: Attempt, folder: AttemptFolder, order: str) -> NotPublished:
    """Record that an attempt has stopped by this order: what is to be raised."""
    if order == "cancel":
        child.attempts.cancelled(attempt)
    elif order == "timeout":
        _fail(child, attempt, folder, timed_out(child.records.get(attempt.job_id)))
    elif order == "drain":
        reason = Reason("drain", f"the worker {child.identity.name} was told to leave")
        _give_back(child, attempt, reason, "", patient=not flags.cut_off())
    return NotPublished(order)


def failed(
    child: ChildTools, attempt: Attempt, folder: AttemptFolder, error: Exception
) -> NotPublished | JobError:
    """Record that an attempt has failed, or give its job back if that may pass: what to raise."""
    reason = explain(error)
    log.warning("job %s failed: %s", attempt.job_id, reason.message)
    if may_pass(error) or not child.store.is_there:
        _give_back(child, attempt, reason, "fault")
        wait_until_writable(child.store, child.identity.token)
        return NotPublished(reason.kind)
    if not _fail(child, attempt, folder, reason):
        return NotPublished("outdated")
    shown = f"{reason.message}; {reason.hint}" if reason.hint else reason.message
    return JobError(shown)


def _fail(child: ChildTools, attempt: Attempt, folder: AttemptFolder, reason: Reason) -> bool:
    _seal(attempt, folder)
    return child.attempts.fail(attempt, reason)


def _seal(attempt: Attempt, folder: AttemptFolder) -> None:
    """Write the manifest of what an attempt without a result leaves, if that can be done."""
    try:
        folder.seal()
    except StoreError as unsealed:
        log.warning("job %s: no manifest: %s", attempt.job_id, unsealed.message)


def _give_back(
    child: ChildTools, attempt: Attempt, reason: Reason, counts: Counts, *, patient: bool = True
) -> None:
    attempts = child.attempts if patient else child.live_attempts
    give_back(child.app, attempts, attempt, reason, counts)
