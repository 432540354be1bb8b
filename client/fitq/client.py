"""The Python way to the queue: what the command line is built on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.errors import InvalidInput, QueueUnreachable, StoreError
from fitq_shared.events import ENDINGS, Event, follow
from fitq_shared.record import JobRecord
from fitq_shared.records import Records
from fitq_shared.redis_link import open_redis, reporting_unreachable
from fitq_shared.settings import Settings
from fitq_shared.specs.base import JobSpec, ModelRef
from fitq_shared.store import Store
from fitq_shared.workers import WorkerInfo, list_workers

if TYPE_CHECKING:
    from celery import Celery


class Client:
    """Submits jobs, follows them, and reads what they made.

    Args:
        settings: where the queue and the store are; by default from the environment or the
            local stack of this folder.

    Raises:
        QueueUnreachable: from every method that asks Redis, when Redis does not answer.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings.load()
        self._redis = open_redis(self.settings)
        self._records = Records(self._redis)
        self._app: Celery | None = None

    # -- jobs -----------------------------------------------------------------------------

    def submit(self, spec: JobSpec) -> JobRecord:
        """Queue a job."""
        from kombu.exceptions import OperationalError

        from fitq_shared.celery_app import make_app
        from fitq_shared.dispatch import submit

        with reporting_unreachable(self.settings):
            self._redis.ping()
            self._app = self._app or make_app(self.settings)
            try:
                return submit(self._app, self._records, spec)
            except OperationalError as error:
                raise QueueUnreachable(
                    f"the job is recorded, but its message could not be sent: {error}",
                    "a worker will find it; see `fitq jobs`",
                ) from error

    def job(self, reference: str) -> JobRecord:
        """The job that an id, the beginning of one, or a name refers to.

        Raises:
            UnknownJob: there is none, or several begin like this.
        """
        with reporting_unreachable(self.settings):
            return self._records.find(reference)

    def jobs(
        self,
        *,
        owner: str | None = None,
        tags: Sequence[str] = (),
        states: Sequence[str] = (),
        kind: str | None = None,
        limit: int | None = None,
    ) -> list[JobRecord]:
        """The jobs that match all of these, newest first."""
        found = []
        with reporting_unreachable(self.settings):
            for record in self._records.all():
                if (
                    (owner is None or record.owner == owner)
                    and set(tags) <= set(record.tags)
                    and (not states or record.state in states)
                    and (kind is None or record.kind == kind)
                ):
                    found.append(record)
                    if limit is not None and len(found) >= limit:
                        break
        return found

    def cancel(self, record: JobRecord) -> str:
        """Cancel a job: "cancelled", "stopping", or the state in which it had ended."""
        with reporting_unreachable(self.settings):
            return self._records.cancel(record)

    def events(self, record: JobRecord) -> Iterator[Event | None]:
        """What happens to a job, from its beginning; None whenever nothing new has come."""
        with reporting_unreachable(self.settings):
            yield from follow(self._redis, record.id)

    def wait(self, record: JobRecord, timeout: float | None = None) -> JobRecord:
        """The job once it has ended; as it is when `timeout` seconds have passed before that."""
        import time

        end = None if timeout is None else time.monotonic() + timeout
        for event in self.events(record):
            late = end is not None and time.monotonic() >= end
            if late or event is None or event.type in ENDINGS:
                current = self.job(record.id)
                if late or current.ended:
                    return current
        return self.job(record.id)

    def place(self, record: JobRecord) -> int | None:
        """How many jobs are before this one in its queue; None when it is not queued."""
        with reporting_unreachable(self.settings):
            return self._records.place(record)

    def workers(self) -> list[WorkerInfo]:
        """The workers that are there."""
        with reporting_unreachable(self.settings):
            return list_workers(self._redis)

    def running_on(self) -> dict[str, JobRecord]:
        """The running jobs, by the token of the worker that runs them."""
        with reporting_unreachable(self.settings):
            return {record.token or "": record for record in self._records.running()}

    # -- models and artifacts -------------------------------------------------------------

    def model(self, reference: str) -> tuple[JobRecord, ModelRef]:
        """The published model of a training job.

        Raises:
            UnknownJob: there is no such job.
            InvalidInput: it is no training job, or has not succeeded.
        """
        record = self.job(reference)
        if record.kind != "train":
            raise InvalidInput(
                f"{reference!r} is a job of kind {record.kind!r}: expected a training job",
                "see `fitq jobs --kind train`",
            )
        if record.state != "succeeded" or record.manifest is None:
            todo = "see `fitq show`" if record.ended else f"wait for it: `fitq wait {record.name}`"
            raise InvalidInput(f"{reference!r} has no model: the job is {record.state}", todo)
        reference_ = ModelRef(
            job=record.id, attempt=record.attempt, manifest=record.manifest, name=record.name
        )
        return record, reference_

    @property
    def store(self) -> Store:
        """The artifact store.

        Raises:
            StoreError: this client does not know one.
        """
        if not self.settings.store_url:
            raise StoreError(
                "this client has no access to the store",
                "set FITQ_STORE to the folder or URL of the volume; "
                "submitting, watching and cancelling work without it",
            )
        return Store(self.settings.store_url)

    @property
    def has_store(self) -> bool:
        """Whether this client can read artifacts."""
        if not self.settings.store_url:
            return False
        with contextlib.suppress(StoreError):
            return Store(self.settings.store_url).exists("")
        return False

    def folder(self, record: JobRecord) -> AttemptFolder:
        """The artifacts of a job's newest attempt."""
        return AttemptFolder.of(self.store, record)

    def upload(self, file: Path, path: str) -> None:
        """Put an input file into the store, under the path that its spec names."""
        self.store.put(file, path)
