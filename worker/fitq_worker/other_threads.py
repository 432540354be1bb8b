"""Runs one attempt with another number of threads than this worker's own.

The number of threads of one operation changes the last digits of a result, so a job keeps the
number that its first attempt had. TensorFlow takes it once per process: such an attempt runs
in a process of its own, and the child waits for it.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from dataclasses import asdict, replace
from typing import Any

import redis

from fitq_shared.celery_app import make_app
from fitq_shared.errors import JobError
from fitq_shared.record import Attempt
from fitq_shared.settings import Settings
from fitq_worker import flags
from fitq_worker.child import CHILD_CANNOT_GO_ON
from fitq_worker.identity import Identity

log = logging.getLogger(__name__)

_ATTEMPT = "FITQ_ATTEMPT"


def run_with_threads(identity: Identity, attempt: Attempt, threads: int) -> dict[str, Any]:
    """Run a claimed attempt in a process with so many threads.

    Returns:
        The short result that Flower shows.

    Raises:
        NotPublished: as `attempt_run.run_claimed`.
        JobError: the job failed; its record says why.
        ProcessDied: the process ended without saying how the attempt did.
    """
    log.info("job %s runs with %s threads, in a process of its own", attempt.job_id, threads)
    environment = {
        **os.environ,
        **replace(identity, threads=threads).to_environment(),
        "OMP_NUM_THREADS": str(threads),
        _ATTEMPT: json.dumps(asdict(attempt)),
        flags.VARIABLE: str(flags.DESCRIPTOR),
    }
    command = [sys.executable, "-m", "fitq_worker.other_threads"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,  # its end tells the process that we are gone
        stdout=subprocess.PIPE,
        env=environment,
        pass_fds=[flags.DESCRIPTOR],
        text=True,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - for the type checker
        lines = process.stdout.read().splitlines()
        code = process.wait()
    if code != 0 or not lines:
        raise ProcessDied(code)
    return _outcome(json.loads(lines[-1]))


class ProcessDied(Exception):
    """The process that ran an attempt ended without saying how the attempt did.

    `code` is its exit code: negative, if a signal ended it.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"its process ended with code {code}")
        self.code = code


def _outcome(said: dict[str, Any]) -> dict[str, Any]:
    from fitq_worker.attempt_end import NotPublished

    if "failed" in said:
        raise JobError(said["failed"])
    if "not_published" in said:
        raise NotPublished(said["not_published"])
    return dict(said["result"])


def _main() -> None:
    logging.basicConfig(level="INFO", format="[%(asctime)s: %(levelname)s] %(message)s")
    threading.Thread(target=_leave_with_the_child, daemon=True).start()
    from fitq_worker import attempt_run, backend

    settings, identity = Settings.load(), Identity.from_environment()
    backend.prepare(identity.device, identity.threads, identity.memory_limit)
    attempt_run.prepare(make_app(settings), settings, identity)
    attempt = Attempt(**json.loads(os.environ[_ATTEMPT]))
    try:
        print(json.dumps(_said(attempt)))  # noqa: T201 - what the child reads
    except redis.RedisError:
        log.exception("job %s: its outcome cannot be recorded", attempt.job_id)
        sys.exit(CHILD_CANNOT_GO_ON)


def _said(attempt: Attempt) -> dict[str, Any]:
    from fitq_worker.attempt_end import NotPublished
    from fitq_worker.attempt_run import run_claimed

    try:
        return {"result": run_claimed(attempt)}
    except NotPublished as outcome:
        return {"not_published": str(outcome)}
    except JobError as error:
        return {"failed": error.message}


def _leave_with_the_child() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    _main()
