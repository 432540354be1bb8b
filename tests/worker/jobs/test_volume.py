"""A volume that cannot be written fails the job, and the worker goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fitq.queue import Queue
from fitq_shared.record import JobRecord
from fitq_shared.settings import Settings
from support.jobs import training
from support.worker import Worker


def test_a_volume_that_cannot_be_written(
    settings: Settings,
    start_worker: Callable[..., Worker],
    session_settings: Settings,
    trained: JobRecord,
) -> None:
    # Given a volume with the data sets, in which no folder for jobs can be made
    volume = Path(settings.store_url or "")
    (volume / "datasets").symlink_to(Path(session_settings.store_url or "") / "datasets")
    (volume / "jobs").write_text("a file, where a folder should be")
    client = Queue(settings)
    worker = start_worker("0").wait_until_ready()
    child = worker.child().pid
    # When a job runs
    record = client.wait(client.submit(training(client)), 120)
    # Then it fails because of the store, and the reason names the place and says what to do
    assert record.state == "failed"
    assert record.reason is not None
    assert record.reason.kind == "store"
    assert f"jobs/{record.id}/attempt-1" in record.reason.message
    assert record.reason.hint
    assert (volume / "jobs").read_text() == "a file, where a folder should be"
    # And when the volume is as it should be, the same child runs the next job
    (volume / "jobs").unlink()
    following = client.wait(client.submit(training(client)), 120)
    assert following.state == "succeeded"
    assert worker.child().pid == child
