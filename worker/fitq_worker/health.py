"""The command `fitq-worker-health`: whether the worker of this container still does its work.

A worker can be alive and yet take no jobs: stopped, stuck, or cut off from its queue. The process
alone does not tell; its word in Redis and the queue do.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import redis

from fitq_shared.errors import FitqError
from fitq_shared.queues import queues_served_by
from fitq_shared.record_keys import front_key, queued_key
from fitq_shared.records import Records
from fitq_shared.redis_link import Redis, open_redis
from fitq_shared.settings import Settings
from fitq_shared.workers import WorkerInfo, worker_key
from fitq_worker import __version__

MARK = "fitq-worker-"
# How long a job may wait for a worker that is idle. A lost message is sent again within 8 s.
PATIENCE_SECONDS = 60.0
# A worker that runs many short jobs is idle between two of them; not at each of ten looks.
LOOKS = 10
PAUSE_SECONDS = 0.5


def mark(token: str) -> None:
    """Let `workers_here` find this process, and what it becomes by exec, as the worker `token`."""
    os.memfd_create(MARK + token, 0)  # a name among the open files; it goes when the process goes


def workers_here() -> set[str]:
    """The tokens of the workers that run here: as far as this user sees, so in this container."""
    return set(_marks())


def fault(settings: Settings, token: str, patience: float = PATIENCE_SECONDS) -> str | None:
    """What is wrong with a worker; None when it is well, or when Redis does not say.

    Args:
        token: who the worker is.
        patience: how many seconds a job may wait for it while it is idle.
    """
    link = open_redis(settings)
    try:
        info = _announcement(link, token)
        if info is None:
            return f"it has not renewed its word in Redis for {settings.lease_seconds:g} s"
        if info.state == "starting":
            return "it does not have Keras yet"
        if info.state == "ready" and (job := _neglected(link, info, patience)):
            return f"it is idle, and the job {job} has waited for over {patience:g} s"
    except (redis.ConnectionError, redis.TimeoutError):
        # Jobs go on while Redis is away: a restart would cost them, and help nobody.
        return None
    return None


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fitq-worker-health")
def health() -> None:
    """Say whether the worker in this container does its work: exit code 0 if so, else 1.

    A worker that waits for a device is well, and so is one that leaves. One that does not have
    Keras yet is not ready, so not well.
    """
    settings = Settings.load()
    tokens = workers_here()
    problems = [problem for token in tokens if (problem := fault(settings, token))]
    if not tokens:
        problems = ["no worker runs here"]
    for problem in problems:
        click.echo(f"unhealthy: {problem}")
    if problems:
        sys.exit(1)
    click.echo("healthy")


def main() -> None:
    """Run `fitq-worker-health`."""
    try:
        health.main(prog_name="fitq-worker-health", standalone_mode=False)
    except FitqError as error:
        click.echo(f"unhealthy: {error.message}")
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)


def _marks() -> Iterator[str]:
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # gone by now, or another user's
            for file in (process / "fd").iterdir():
                with suppress(OSError):
                    name = str(file.readlink()).removeprefix("/memfd:").removesuffix(" (deleted)")
                    if name.startswith(MARK):
                        yield name.removeprefix(MARK)


def _announcement(link: Redis, token: str) -> WorkerInfo | None:
    text: Any = link.get(worker_key(token))
    return None if text is None else WorkerInfo.from_text(text)


def _neglected(link: Redis, info: WorkerInfo, patience: float) -> str | None:
    """A job that waits all the while that the worker is idle: its id."""
    records = Records(link)
    waiting: set[str] | None = None
    for look in range(LOOKS):
        if look:
            time.sleep(PAUSE_SECONDS)
        if any(record.token == info.token for record in records.running()):
            return None
        found = set(_waiting(link, info, patience))
        waiting = found if waiting is None else waiting & found
        if not waiting:
            return None
    return min(waiting or (), default=None)


def _waiting(link: Redis, info: WorkerInfo, patience: float) -> Iterator[str]:
    """The jobs that this worker could take, and that were sent so long ago."""
    seconds, micros = link.time()
    before = float(seconds) + micros / 1e6 - patience
    queues = queues_served_by(info.device, info.memory, info.devices, code=info.allows_code)
    for queue in queues:
        for key in (front_key(queue), queued_key(queue)):
            found: Any = link.zrangebyscore(key, 0, before, 0, 100)
            yield from found
