"""Ending the stack's processes, whether supervisord still answers or not."""

from __future__ import annotations

import contextlib
import signal
import time
import xmlrpc.client
from collections.abc import Callable

from fitq.stack.process_record import ProcessRecord
from fitq.stack.processes import Process
from fitq.stack.supervision import Supervisor
from fitq_shared.errors import StackError

WORKER_SECONDS = 20.0
REDIS_SECONDS = 10.0
KILL_SECONDS = 10.0
# supervisord's own limits, one after the other (worker 20, Flower 10, Redis 10), and some.
SUPERVISOR_SECONDS = 60.0
PAUSE_SECONDS = 0.05


def end_processes(record: ProcessRecord) -> bool:
    """End every process of the stack: workers, then Flower, then Redis. Returns if any was there.

    Raises:
        StackError: one of them could not be ended.
    """
    record, supervisor = _ask(record)
    found = record.alive()
    if supervisor is not None:
        with contextlib.suppress(OSError):
            supervisor.shutdown()
            _wait(lambda: record.supervisor_process() is None, SUPERVISOR_SECONDS)
    # A supervisord that is left does not answer; while it lives it would restart the others.
    hung = record.supervisor_process()
    if hung is not None:
        hung.send(signal.SIGKILL)
    _end(lambda: [one for one in record.alive() if not record.is_redis(one)], WORKER_SECONDS)
    _end(record.alive, REDIS_SECONDS)
    left = record.alive()
    if left:
        raise StackError(
            "the stack is not down: no signal ends "
            + ", ".join(f"process {one.pid}" for one in left)
        )
    with contextlib.suppress(OSError):
        record.socket.unlink(missing_ok=True)
        record.socket.parent.rmdir()
    return bool(found)


def _ask(record: ProcessRecord) -> tuple[ProcessRecord, Supervisor | None]:
    """The record as supervisord has it now (it may have restarted programs), if it answers."""
    supervisor = Supervisor(record.socket)
    try:
        pids = {name: state.pid for name, state in supervisor.states().items() if state.pid}
        record = record.with_pids(supervisor.pid, pids)
    except OSError:
        return record, None
    except xmlrpc.client.Fault:
        pass  # it is stopping already: an earlier `down` was interrupted
    return record, supervisor


def _end(processes: Callable[[], list[Process]], seconds: float) -> None:
    """SIGTERM to the parents, and SIGKILL to all who are still there after the seconds."""
    for one in processes():
        if one.leads_its_group:
            one.send(signal.SIGTERM)
    if not _wait(lambda: not processes(), seconds):
        for one in processes():
            one.send(signal.SIGKILL)
        _wait(lambda: not processes(), KILL_SECONDS)


def _wait(holds: Callable[[], bool], seconds: float) -> bool:
    limit = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > limit:
            return False
        time.sleep(PAUSE_SECONDS)
    return True
