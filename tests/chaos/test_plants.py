"""A planted fault breaks what it says, in a process that has its folder on the path."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from fitq_shared.settings import Settings
from storm.rig import PLANTS

pytestmark = pytest.mark.services

TWO_ATTEMPTS = """
import sys
from fitq_shared.attempts import Attempts
from fitq_shared.lease import Lease
from fitq_shared.record import Reason
from fitq_shared.records import Records
from fitq_shared.redis_link import open_redis
from fitq_shared.settings import Settings
from fitq_shared.specs.train import TrainJob

redis = open_redis(Settings.load())
attempts = Attempts(Records(redis))
values = {"kind": "train", "name": "a", "owner": "ann", "dataset": "mnist", "model": "mlp"}
job = attempts.records.create(TrainJob.parse(values))

def claim(token, number):
    lease = Lease(redis, f"cpu:host:{token}", token, 60.0)
    assert lease.acquire()
    device = {"worker": token, "device_name": "a core", "threads": 1}
    return attempts.claim(job.id, number, job.spec_hash, lease, **device)

first = claim("one", 1)
again = claim("two", 1)
attempts.give_back(first, Reason("drain", "told to leave"), counts="")
claim("three", 2)
late = attempts.succeed(first, "0" * 64, {})
print("again" if again != "stale" else "", "late" if late else "")
"""


@pytest.mark.parametrize(("plant", "broken"), [("attempt", ["again"]), ("commit", ["late"])])
def test_a_plant_takes_a_check_out(settings: Settings, plant: str, broken: list[str]) -> None:
    # Given a process of a worker with a fault planted
    path = os.pathsep.join([str(PLANTS / plant), str(PLANTS)])
    environment = {**os.environ, "FITQ_REDIS_URL": settings.redis_url, "PYTHONPATH": path}

    # When an attempt is claimed twice there, and commits when the next has begun
    ran = subprocess.run(
        [sys.executable, "-c", TWO_ATTEMPTS],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    # Then only what was planted goes wrong
    assert (ran.returncode, ran.stdout.split()) == (0, broken), ran.stderr
