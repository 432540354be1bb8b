"""A worker without Keras, whose trials end as they are told."""

from __future__ import annotations

from dataclasses import dataclass

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.attempts import Attempts
from fitq_shared.events import publish
from fitq_shared.lease import Lease
from fitq_shared.record import Attempt, JobRecord, Reason
from fitq_shared.records import Records
from fitq_shared.redis_link import Redis
from fitq_shared.store import Store


@dataclass
class FakeWorker:
    """Runs what is queued as it is told; Keras is not asked."""

    redis: Redis
    records: Records
    store: Store

    def start(self, job_id: str) -> Attempt:
        """Claim a job."""
        record = self.records.get(job_id)
        lease = Lease(self.redis, f"worker:{job_id}", f"token-{job_id}", 600)
        assert lease.acquire()
        attempt = Attempts(self.records).claim(
            *(record.id, record.attempt, record.spec_hash, lease),
            worker="blue",
            device_name="1 core",
            threads=1,
        )
        assert isinstance(attempt, Attempt), attempt
        return attempt

    def epochs(self, attempt: Attempt, *values: float) -> None:
        """Report epochs with these values, from the first."""
        for epoch, value in enumerate(values, 1):
            row = {"epoch": epoch, "val_accuracy": value}
            publish(self.redis, attempt.job_id, "epoch", attempt.number, row)

    def succeed(self, attempt: Attempt, metrics: dict[str, float]) -> None:
        """Publish a model with these metrics."""
        folder = AttemptFolder(self.store, attempt.job_id, attempt.number)
        folder.write(AttemptFolder.model, b"a model")
        assert Attempts(self.records).succeed(attempt, folder.seal(), metrics)

    def run(self, job_id: str, *values: float) -> None:
        """Train with these values after each epoch, to the end."""
        attempt = self.start(job_id)
        self.epochs(attempt, *values)
        self.succeed(attempt, {"val_accuracy": values[-1]})

    def fail(
        self, job_id: str, message: str = "its loss is no number", kind: str = "bad-job"
    ) -> None:
        """Run a job that fails."""
        assert Attempts(self.records).fail(self.start(job_id), Reason(kind, message))

    def queued(self) -> list[JobRecord]:
        """The jobs that wait, the oldest first."""
        return [job for job in self.records.all() if job.state == "queued"][::-1]
