"""A rolling upgrade: clients and workers of two versions of jobs on one queue."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from fitq.queue import Queue
from fitq_shared.record import JobRecord
from fitq_shared.schema import SCHEMA_VERSION
from fitq_shared.settings import Settings
from support.jobs import training, wait_for_state
from support.waiting import wait_until
from support.worker import Worker

NEXT = str(Path(__file__).parent / "next_version")
FITQ = str(Path(sys.executable).parent / "fitq")


def start_fitq(settings: Settings, *words: str, **environment: str) -> subprocess.Popen[str]:
    variables = {
        **os.environ,
        "FITQ_REDIS_URL": settings.redis_url,
        "FITQ_STORE": settings.store_url or "",
        **environment,
    }
    return subprocess.Popen(
        [FITQ, *words], env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_two_versions_refuse_each_other_and_lose_nothing(
    queue: Queue, settings: Settings, start_worker: Callable[..., Worker]
) -> None:
    # Given a worker of the next version, and jobs of this one and of the next
    new_worker = start_worker("0", PYTHONPATH=NEXT).wait_until_ready()
    old: JobRecord = queue.submit(training(queue))
    words = ("train", "--dataset", "mnist", "--model", "mlp", "--rows", "2000", "--epochs", "1")
    submission = start_fitq(settings, *words, "--name", "new-job", PYTHONPATH=NEXT)
    watching = start_fitq(settings, "watch", old.name)
    # When the worker has run what it understands
    output, errors = submission.communicate(timeout=120)
    assert submission.returncode == 0, errors
    assert "new-job succeeded" in output
    new = queue.job("new-job")
    # Then the other job waits, untouched, and whoever follows it is told why
    assert watching.stderr is not None
    watching.stderr.readline()  # which job it is
    first_words = watching.stderr.readline()
    assert f"the job is of version {SCHEMA_VERSION}" in first_words
    assert f"workers for version {SCHEMA_VERSION + 1}" in first_words
    assert new.schema == SCHEMA_VERSION + 1
    assert queue.job(old.id).state == "queued"
    assert old.id not in new_worker.text()
    # And when a worker of this version comes back, it runs, and the other version's stays whole
    start_worker("1")
    assert wait_for_state(queue, old, "succeeded").attempt == 1
    wait_until(lambda: watching.poll() is not None, 30, "the end of watching")
    assert watching.returncode == 0
    assert queue.job("new-job").manifest == new.manifest
