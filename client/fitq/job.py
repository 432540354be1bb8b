"""A job at hand: what a Python program and a notebook see of it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fitq.ending import check_ended, check_succeeded
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.errors import InvalidInput
from fitq_shared.record import JobRecord, State
from fitq_shared.texts import printable

if TYPE_CHECKING:
    from fitq.keras_models import Arrays
    from fitq.queue import Queue

# What a history has that `keras.callbacks.History` has not.
_NOT_METRICS = frozenset({"epoch", "seconds"})


class Job:
    """One job: a handle, which reads from the queue what it is asked for.

    Args:
        queue: where the job is.
        record: the job as it was last read.

    Raises:
        QueueUnreachable: from whatever asks Redis, when Redis does not answer.
        StoreError: from whatever reads artifacts, when this client cannot read the store.
    """

    def __init__(self, queue: Queue, record: JobRecord) -> None:
        self._queue = queue
        self._record = record

    # -- what it is -----------------------------------------------------------------------

    @property
    def id(self) -> str:
        """Its id, which no other job has."""
        return self._record.id

    @property
    def name(self) -> str:
        """Its name, which can be said aloud; several jobs may have the same."""
        return self._record.name

    @property
    def kind(self) -> str:
        """What kind of job it is: train, evaluate, predict …"""
        return self._record.kind

    @property
    def record(self) -> JobRecord:
        """All that the queue knows of it now."""
        self._record = self._queue.job(self.id)
        return self._record

    @property
    def state(self) -> State:
        """Its state now: waiting, queued, running, succeeded, failed or cancelled."""
        return self.record.state

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics that it ended with; none before it has succeeded."""
        return dict(self.record.metrics or {})

    @property
    def history(self) -> dict[str, list[float]]:
        """The metrics of each epoch so far, as `History.history` of `Model.fit` has them.

        Raises:
            InvalidInput: it is no training, or has not finished an epoch.
        """
        rows: list[dict[str, float]] = self._queue.artifacts.history(self.record)
        names = [name for name in rows[0] if name not in _NOT_METRICS] if rows else []
        return {name: [row[name] for row in rows] for name in names}

    # -- following it ---------------------------------------------------------------------

    def watch(self) -> Job:
        """Show it live until it has ended: a bar in a notebook or terminal, else lines.

        Interrupting ends the showing, not the job.

        Returns:
            Itself.

        Raises:
            JobFailed: it has failed or was cancelled; says why.
        """
        from fitq.live import follow

        record = self.record
        self._record = record if record.ended else follow(self._queue, record)
        return self._succeeded()

    def wait(self, timeout: float | None = None) -> Job:
        """Wait until it has ended.

        Args:
            timeout: for so many seconds at most; None: for as long as it takes.

        Returns:
            Itself.

        Raises:
            JobFailed: it has failed or was cancelled; says why.
            NotEnded: the time is over. The job goes on.
        """
        self._record = self._queue.wait(self._record, timeout)
        todo = f"the job goes on: call wait again, or `fitq watch {self.name}`"
        check_ended(self._record, timeout, todo)
        return self._succeeded()

    def logs(self) -> str:
        """The log of its newest attempt, as far as there is one."""
        folder = self._folder()
        if not folder.exists(folder.log):
            return ""
        return folder.read(folder.log).decode("utf-8", errors="replace")

    def cancel(self) -> str:
        """Stop it, at its next batch if it runs.

        Returns:
            "cancelled", "stopping", or the state in which it had ended before.
        """
        return self._queue.cancel(self._record)

    def retry(self, *, fresh: bool = False) -> Job:
        """Run it again, if it has failed or was cancelled.

        Args:
            fresh: from the start, not from its last checkpoint.

        Returns:
            Itself.

        Raises:
            InvalidInput: it has succeeded, or has not ended.
        """
        self._record = self._queue.retry(self.record, fresh=fresh)
        return self

    # -- what it made ---------------------------------------------------------------------

    @property
    def artifacts(self) -> list[str]:
        """The names of the files that it has made so far."""
        return self._folder().files()

    def pull(self, folder: str | Path | None = None) -> Path:
        """Copy what it has published to a folder, each file checked against its sum.

        Args:
            folder: by default one of the job's name.

        Returns:
            The folder.

        Raises:
            InvalidInput: it has published nothing.
        """
        target = Path(folder) if folder is not None else Path(self.name)
        self._queue.artifacts.pull(self.record, target)
        return target

    def read(self, name: str) -> bytes:
        """A file that it has published, checked against its sum.

        Raises:
            InvalidInput: it has published nothing, or no such file.
        """
        record = self.record
        if record.state != "succeeded" or record.manifest is None:
            raise InvalidInput(
                f"{record.name} has published nothing: the job is {record.state}",
                "wait for it: job.wait()" if not record.ended else "see job.logs()",
            )
        folder = self._folder()
        sums = folder.sums(record.manifest)
        if name not in sums:
            raise InvalidInput(
                f"{record.name} has no {name}: it is a job of kind {record.kind!r}",
                f"it has {', '.join(sums)}",
            )
        return folder.read_checked(name, sums[name])

    def model(self) -> Any:
        """The Keras model that it has trained, loaded.

        Raises:
            InvalidInput: it has published no model, or Keras is not installed here.
        """
        from fitq.keras_models import load_model

        own_classes = self._record.spec.get("model", {}).get("type") == "code"
        return load_model(self.read(AttemptFolder.model), self.name, own_classes=own_classes)

    def predict(self, x: Arrays, **options: Any) -> Any:
        """Predict with the model that it has trained: as `Client.predict`."""
        from fitq.client import Client

        return Client(self._queue.settings).predict(self, x, **options)

    # -- how it looks ---------------------------------------------------------------------

    def __repr__(self) -> str:
        record = self._record
        return f"<Job {record.name} ({record.id}): {record.kind}, {record.state}>"

    def _repr_html_(self) -> str:
        record = self.record
        rows = {
            "id": record.id,
            "kind": record.kind,
            "what": record.summary,
            "state": record.state,
            **{name: f"{value:.4g}" for name, value in (record.metrics or {}).items()},
        }
        if record.reason:
            rows["reason"] = record.reason.message
        cells = "".join(
            f"<tr><th style='text-align:left'>{html.escape(printable(name))}</th>"
            f"<td style='text-align:left'>{html.escape(printable(value))}</td></tr>"
            for name, value in rows.items()
        )
        return f"<table><caption>{html.escape(record.name)}</caption>{cells}</table>"

    # -- inside ---------------------------------------------------------------------------

    def _folder(self) -> AttemptFolder:
        return self._queue.artifacts.folder(self.record)

    def _succeeded(self) -> Job:
        check_succeeded(self._record, "see job.logs(); job.retry() runs it again")
        return self


def jobs_before(queue: Queue, after: Job | str | Sequence[Job | str]) -> list[JobRecord]:
    """The jobs that another is to come after, given as jobs or by what names them.

    Raises:
        UnknownJob: there is none such, or several begin like this.
    """
    given = [after] if isinstance(after, Job | str) else after
    return [one.record if isinstance(one, Job) else queue.job(one) for one in given]
