"""The parent's side of a worker: its lease, the reaper, and what happens when the child dies.

The parent stays responsive while the child trains. Its threads start before the fork and live
in the parent only.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from billiard.exceptions import WorkerLostError
from celery import signals

from fitq_shared.record import Attempt, Reason
from fitq_worker.child import CHILD_CANNOT_GO_ON
from fitq_worker.keeper import Keeper
from fitq_worker.leaving import Leaving
from fitq_worker.reaper import Reaper
from fitq_worker.record_copies import RecordCopies
from fitq_worker.sweeps.conductor import Conductor
from fitq_worker.volume import remember

if TYPE_CHECKING:
    from celery import Celery

    from fitq_shared.settings import Settings
    from fitq_worker.identity import Identity

log = logging.getLogger(__name__)


def connect(app: Celery, settings: Settings, identity: Identity) -> None:
    """Hook the parent's duties into the life of a Celery worker."""
    remember(settings)
    leaving = Leaving()
    keeper = Keeper(settings, identity)
    reaper = Reaper(app, settings, identity, leaving)
    copies = RecordCopies(settings)
    conductor = Conductor(app, settings, identity)
    kills = out_of_memory_kills()

    def begin(**_: Any) -> None:
        keeper.start()
        reaper.start()
        copies.start()
        conductor.start()

    def end(sender: Any, **_: Any) -> None:
        conductor.stop()
        reaper.stop()
        copies.stop()
        keeper.stop()
        sender.exitcode = keeper.exit_code or sender.exitcode

    def told_to_leave(**_: Any) -> None:
        leaving.signalled()

    def child_died(exception: BaseException, kwargs: Any, **_: Any) -> None:
        nonlocal kills
        if not isinstance(exception, WorkerLostError):
            return
        before, kills = kills, out_of_memory_kills()
        for_memory = kills > before and "SIGKILL" in str(exception)
        attempt = Attempt(kwargs["job"], kwargs["attempt"], identity.token)
        if leaving.at_once:
            reason = Reason("drain", f"the worker {identity.name} was told to leave at once")
            reaper.hand_back(attempt, reason, "")
        elif f"exitcode {CHILD_CANNOT_GO_ON}" in str(exception):
            reason = Reason("redis", "Redis did not answer when the attempt had ended")
            reaper.hand_back(attempt, reason, "fault")
        else:
            reaper.hand_back(attempt, _loss(exception, for_memory), "lost")

    def terminated(request: Any, **_: Any) -> None:
        attempt = Attempt(request.kwargs["job"], request.kwargs["attempt"], identity.token)
        reason = Reason("worker-lost", "a Celery revoke ended its process", "use `fitq cancel`")
        reaper.hand_back(attempt, reason, "lost")

    for signal, receiver in (
        (signals.worker_init, begin),
        (signals.worker_shutting_down, told_to_leave),
        (signals.worker_shutdown, end),
        (signals.task_failure, child_died),
        (signals.task_revoked, terminated),
    ):
        signal.connect(receiver, weak=False)


def out_of_memory_kills(counters: Path = Path("/proc/vmstat")) -> int:
    """How many processes the kernel of this host has killed for want of memory."""
    if not counters.exists():
        return 0
    lines = counters.read_text(encoding="ascii").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def _loss(error: WorkerLostError, memory: bool) -> Reason:
    if memory:
        return Reason(
            "out-of-memory",
            "the host ran out of memory, and its kernel killed the process that ran the job",
            "use a smaller batch (--batch-size) or a smaller model",
        )
    return Reason(
        "worker-lost",
        f"the process that ran the job died: {error}",
        "see the worker's log; if the job always ends so, try a smaller batch or model",
    )
