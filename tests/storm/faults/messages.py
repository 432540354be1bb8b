"""Faults of messages: one that is never sent, one that comes twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import redis

from fitq_shared.celery_app import make_app
from fitq_shared.dispatch import send
from fitq_shared.job_message import message_prefix
from fitq_shared.record import JobRecord
from fitq_shared.records import Records
from fitq_shared.settings import Settings
from fitq_shared.specs.base import JobSpec
from storm.rig import Rig
from storm.strike import Strike
from storm.workload import spec_of

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parents[2]
OUTAGE_SECONDS = 30.0
TRIES = 4


def client_killed(rig: Rig, strike: Strike) -> None:
    """A client writes a job's record and gets SIGKILL before it sends the message."""
    reference = rig.references[int(strike.planned.chance * len(rig.references))]
    spec = spec_of(rig.client, reference, f"{reference}.client.{strike.planned.number}")
    strike.begins("a client")
    for _ in range(TRIES):
        client = start_standing_client(rig.client.settings, spec)
        assert client.stdout is not None
        job = client.stdout.readline().strip()
        client.send_signal(signal.SIGKILL)
        code = client.wait(timeout=20)
        client.stdout.close()
        if job and code == -signal.SIGKILL:
            strike.saw(f"process {client.pid} gone; job {job} recorded, no message sent")
            return
        time.sleep(2.0)
    strike.complaint = f"the client ended with {code} before its record was written, {TRIES} times"


def start_standing_client(settings: Settings, spec: JobSpec) -> subprocess.Popen[str]:
    """A client in a process of its own, which says the id of the record that it has written."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")]),
        "FITQ_REDIS_URL": settings.redis_url,
        "FITQ_STORE": settings.store_url or "",
        "FITQ_OWNER": settings.owner,
    }
    client = subprocess.Popen(
        [sys.executable, "-m", "storm.standing_client"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdin is not None
    client.stdin.write(spec.canonical())
    client.stdin.close()
    return client


def duplicate(rig: Rig, strike: Strike) -> None:
    """A message is sent once more: of a running attempt, of an older one, of an ended job."""
    record = _victim(rig, strike.planned.chance)
    if record is None:
        strike.complaint = "no job had begun"
        return
    strike.begins(f"{record.state} job {record.id}, attempt {record.attempt}")
    end = time.monotonic() + OUTAGE_SECONDS
    while True:
        try:
            moved = _send_to_front(rig, record)
        except (redis.RedisError, OSError) as error:
            if time.monotonic() > end:
                strike.complaint = f"it could not be sent: {error}"
                return
            time.sleep(0.5)
        else:
            break
    if moved.startswith(message_prefix(record.id, record.attempt)):
        strike.saw(f"message {moved} before all others")
    else:
        strike.complaint = f"it was taken at once, moved was {moved or 'nothing'}"


def _send_to_front(rig: Rig, record: JobRecord) -> str:
    """Send the message, and move it to the end of the queue from which workers take.

    Returns:
        The id of the message that was moved: ours, unless that was taken, or another was sent
        meanwhile; "" when there was none to move.
    """
    send(make_app(rig.settings), record)
    moved = rig.redis.lmove(record.queue, record.queue, "LEFT", "RIGHT")
    return str(json.loads(str(moved))["headers"]["id"]) if moved else ""


def _victim(rig: Rig, chance: float) -> JobRecord | None:
    records = list(Records(rig.redis).all(limit=200))
    running = [record for record in records if record.state == "running"]
    older = [replace(r, attempt=r.attempt - 1) for r in running if r.attempt > 1]
    ended = [record for record in records if record.state == "succeeded"]
    order = (running, older, ended) if chance < 0.6 else (older, ended, running)
    return next(_some(order, chance), None)


def _some(groups: tuple[list[JobRecord], ...], chance: float) -> Iterator[JobRecord]:
    for group in groups:
        if group:
            yield group[int(chance * len(group))]
