"""The Python way to the queue: what the command line is built on."""

from __future__ import annotations

import contextlib
import copy
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from fitq.artifacts import Artifacts
from fitq.messages import Messages
from fitq_shared.changes import Changes
from fitq_shared.errors import InvalidInput, QueueUnreachable, UnknownJob
from fitq_shared.events import ENDINGS, Event, follow
from fitq_shared.lanes import Lanes, Place
from fitq_shared.new_job import NewJob, new_id
from fitq_shared.outage import Outage
from fitq_shared.record import JobRecord
from fitq_shared.records import Records
from fitq_shared.redis_link import (
    PATIENT_SECONDS,
    QUICK_SECONDS,
    is_replicated,
    open_redis,
    replica_has_all,
    reporting_unreachable,
)
from fitq_shared.registry import Registry
from fitq_shared.settings import Settings
from fitq_shared.specs.base import JobSpec
from fitq_shared.workers import (
    DrainMode,
    WorkerInfo,
    ask_to_drain,
    drain_order,
    list_workers,
)

if TYPE_CHECKING:
    from fitq_shared.sweeps.records import Sweeps

AWAY = "Redis does not answer; the job goes on; waiting for it to come back"
BACK = "Redis is back"


def say(text: str) -> None:
    """Tell whoever waits, on standard error: standard output holds results only."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


class Queue:
    """Submits jobs and follows them; `artifacts` has what they made.

    Args:
        settings: where the queue and the store are; by default from the environment or the
            local stack of this folder.

    Raises:
        QueueUnreachable: from every method that asks Redis, when Redis does not answer.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings.load()
        self._outage = Outage(QUICK_SECONDS)
        self._redis = open_redis(self.settings, outage=self._outage)
        self._records = Records(self._redis)
        self.artifacts = Artifacts(self.settings)
        self._messages = Messages(self.settings)
        self._rides_out = False

    def patient(self, tell: Callable[[str], None] = say, seconds: float = PATIENT_SECONDS) -> Queue:
        """This client, but it rides out an outage of Redis, for so many seconds.

        `events` and `wait` do so by themselves.

        Args:
            tell: called when Redis goes away for longer than a moment, and when it is back.

        Raises:
            QueueUnreachable: Redis has never answered, nor does it now.
        """
        if not self._outage.was_there:
            with reporting_unreachable(self.settings):
                self._redis.ping()
        outage = Outage(seconds, away=lambda _: tell(AWAY), back=lambda: tell(BACK))
        client = copy.copy(self)
        client._redis = open_redis(self.settings, outage=outage)
        client._records = Records(client._redis)
        client._rides_out = True
        return client

    # -- jobs -----------------------------------------------------------------------------

    def submit(self, spec: JobSpec, after: Sequence[JobRecord] = ()) -> JobRecord:
        """Queue a job, or let it wait until the jobs that it comes after have succeeded.

        Behind Sentinels, says on standard error when no replica has confirmed the job.

        Raises:
            InvalidInput: one that it comes after has failed or was cancelled.
        """
        refuse_to_wait_for(after)
        before = tuple(dict.fromkeys(record.id for record in after))
        [record] = self.submit_all([NewJob(new_id(), spec, before)])
        return record

    def submit_all(self, jobs: Sequence[NewJob]) -> list[JobRecord]:
        """Queue jobs, all or none: whoever dies here leaves none of them, or all.

        Args:
            jobs: their ids are of `new_id`, so that the specs may name the others.
        """
        from fitq_shared.dispatch import create_all, settle_all
        from fitq_shared.signing import Signer

        with reporting_unreachable(self.settings):
            self._redis.ping()
            app = self._messages.app()
            records = create_all(self._records, jobs, Signer.from_settings(self.settings))
            for record in records:
                if record.state == "queued":
                    self._messages.send(record)
            if any(record.after for record in records):
                settle_all(app, Changes(self._records))
                records = [self._records.get(record.id) for record in records]
            if is_replicated(self.settings) and not replica_has_all(self._redis):
                names = ", ".join(record.name for record in records)
                say(
                    f"no replica of Redis has confirmed {names} within a second: a failover "
                    f"now could lose it; if `fitq show {records[0].id}` then does not know it, "
                    f"submit it again"
                )
            return records

    def before(self, record: JobRecord) -> list[JobRecord]:
        """The jobs that a job comes after, as far as they are there."""
        found = []
        for job_id in record.after:
            with contextlib.suppress(UnknownJob), reporting_unreachable(self.settings):
                found.append(self._records.get(job_id))
        return found

    def job(self, reference: str) -> JobRecord:
        """The job that an id, the beginning of one, or a name refers to; or the one that has made
        the model version "name@3" or "name@alias".

        Raises:
            UnknownJob: there is none, or several begin like this.
            UnknownModel: there is no such version or alias; suggests the nearest.
        """
        with reporting_unreachable(self.settings):
            if "@" in reference:
                return self._records.get(self.registry.find(reference).job)
            return self._records.find(reference)

    def several(self, job_ids: Sequence[str]) -> dict[str, JobRecord]:
        """The jobs of these ids, by id: of those that there are."""
        with reporting_unreachable(self.settings):
            return self._records.several(job_ids)

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
            changes = Changes(self._records)
            outcome = changes.cancel(record)
            self._messages.settle(changes)
            return outcome

    def retry(self, record: JobRecord, *, fresh: bool = False) -> JobRecord:
        """Queue a job that has failed or was cancelled again: the record as it is then.

        Args:
            fresh: from the start, not from its last checkpoint.

        Raises:
            InvalidInput: the job has succeeded, or has not ended; or it comes after one that has
                failed or was cancelled.
        """
        if not record.released:
            refuse_to_wait_for(self.before(record))
        with reporting_unreachable(self.settings):
            changes = Changes(self._records)
            outcome = changes.retry(record, fresh=fresh)
            current = self._records.get(record.id)
            if outcome != "retried":
                raise InvalidInput(
                    f"{record.name} cannot be retried: it is {current.state}",
                    f"see `fitq show {record.name}`",
                )
            if current.state == "queued":
                self._messages.send(current)
            self._messages.settle(changes)
            return self._records.get(record.id)

    def events(self, record: JobRecord) -> Iterator[Event | None]:
        """What happens to a job, from its beginning; None whenever nothing new has come.

        An outage of Redis is ridden out, for five minutes: following goes on where it was.
        """
        client = self if self._rides_out else self.patient()
        with reporting_unreachable(self.settings):
            yield from follow(client._redis, record.id)

    def wait(self, record: JobRecord, timeout: float | None = None) -> JobRecord:
        """The job once it has ended; as it is when `timeout` seconds have passed before that.

        An outage of Redis is ridden out, for five minutes or until the timeout.
        """
        import time

        end = None if timeout is None else time.monotonic() + timeout
        patience = PATIENT_SECONDS if timeout is None else min(timeout, PATIENT_SECONDS)
        client = self if self._rides_out else self.patient(seconds=patience)
        try:
            for event in client.events(record):
                late = end is not None and time.monotonic() >= end
                if late or event is None or event.type in ENDINGS:
                    current = client.job(record.id)
                    if late or current.ended:
                        return current
        except QueueUnreachable as error:
            todo = f"the job goes on: return with `fitq wait {record.name}`"
            raise QueueUnreachable(error.message, f"{error.hint}; {todo}") from error
        return client.job(record.id)

    def place(self, record: JobRecord) -> Place | None:
        """Where a job stands among those that wait; None when it is not queued."""
        with reporting_unreachable(self.settings):
            return Lanes(self._redis).place(record)

    def workers(self) -> list[WorkerInfo]:
        """The workers that are there."""
        with reporting_unreachable(self.settings):
            return list_workers(self._redis)

    def drain(self, worker: WorkerInfo, mode: DrainMode) -> None:
        """Tell a worker to leave: "now", giving its job back, or "after-job"."""
        with reporting_unreachable(self.settings):
            ask_to_drain(self._redis, worker, mode)

    def drain_order(self, worker: WorkerInfo) -> DrainMode | None:
        """What a worker was told by `drain`, if it was."""
        with reporting_unreachable(self.settings):
            return drain_order(self._redis, worker.token)

    def running_on(self) -> dict[str, JobRecord]:
        """The running jobs, by the token of the worker that runs them."""
        with reporting_unreachable(self.settings):
            return {record.token or "": record for record in self._records.running()}

    # -- what else Redis keeps ------------------------------------------------------------

    @property
    def records(self) -> Records:
        """All job records, for what reads many of them."""
        return self._records

    @property
    def sweeps(self) -> Sweeps:
        """The records of sweeps."""
        from fitq_shared.sweeps.records import Sweeps

        return Sweeps(self._redis)

    @property
    def registry(self) -> Registry:
        """The models that have a name, with their versions and aliases."""
        return Registry(self._redis)


def refuse_to_wait_for(records: Sequence[JobRecord]) -> None:
    """What comes after a job that has ended without success would end with it at once.

    Raises:
        InvalidInput: names each of them.
    """
    words = {"failed": "has failed", "cancelled": "was cancelled"}
    wrong = [record for record in records if record.state in words]
    if wrong:
        raise InvalidInput(
            "\n".join(
                f"nothing can come after {record.name}: it {words[record.state]}"
                for record in wrong
            ),
            "; ".join(f"first `fitq retry {record.name}`" for record in wrong),
        )
