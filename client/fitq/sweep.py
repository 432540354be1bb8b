"""A sweep at hand: what a Python program and a notebook see of it."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fitq.ending import check_ended, check_succeeded
from fitq.job import Job
from fitq.standings import best_of, counts, ranked, rows, value_of
from fitq.sweeping import Sweeping
from fitq_shared.texts import printable

if TYPE_CHECKING:
    from fitq.queue import Queue
    from fitq_shared.sweeps.record import SweepRecord, SweepState


@dataclass(frozen=True)
class RankedTrial:
    """One trial of a sweep as it stands.

    `name` and `job` are the name and the id of its job. `params` has its values by path, such as
    optimizer.learning_rate. `value` is the metric of its model, or the best so far; None before
    its first epoch. `epochs` is how many it has done. `reason` says why it was stopped or failed.
    """

    number: int
    name: str
    job: str
    params: dict[str, Any]
    value: float | None
    epochs: int
    state: str
    reason: str


class Sweep:
    """One sweep: a handle, which reads from the queue what it is asked for.

    Args:
        queue: where the sweep is.
        record: the sweep as it was last read.

    Raises:
        QueueUnreachable: from whatever asks Redis, when Redis does not answer.
    """

    def __init__(self, queue: Queue, record: SweepRecord) -> None:
        self._queue = queue
        self._record = record
        self._sweeping = Sweeping(queue)

    # -- what it is -----------------------------------------------------------------------

    @property
    def id(self) -> str:
        """Its id, which no other sweep has."""
        return self._record.id

    @property
    def name(self) -> str:
        """Its name; its trials are called by it and their numbers."""
        return self._record.name

    @property
    def record(self) -> SweepRecord:
        """All that the queue knows of it now."""
        self._record = self._sweeping.find(self.id)
        return self._record

    @property
    def state(self) -> SweepState:
        """Its state now: running, succeeded, failed or cancelled."""
        return self.record.state

    def leaderboard(self) -> list[RankedTrial]:
        """The trials that were begun: the completed ones first, the best of them at the top."""
        standing = self._sweeping.standing(self.id)
        return [
            RankedTrial(
                number=trial.number,
                name=f"{self.name}-{trial.number}",
                job=trial.job,
                params=dict(trial.params),
                value=value_of(standing, trial),
                epochs=len(standing.curve(trial)),
                state=standing.state(trial),
                reason=trial.reason or trial.stop,
            )
            for trial in ranked(standing)
        ]

    @property
    def best(self) -> Job:
        """The job of the best completed trial so far.

        Raises:
            InvalidInput: none was completed.
            UnknownJob: it was removed.
        """
        trial = best_of(self._sweeping.standing(self.id))
        return Job(self._queue, self._queue.job(trial.job))

    # -- following it ---------------------------------------------------------------------

    def watch(self) -> Sweep:
        """Show it live until it has ended: a table in a terminal, else a line for each trial.

        Interrupting ends the showing, not the sweep.

        Returns:
            Itself.

        Raises:
            JobFailed: it has failed or was cancelled; says why.
        """
        from fitq.leaderboard import follow

        record = self.record
        self._record = record if record.ended else follow(self._queue, record).sweep
        return self._succeeded()

    def wait(self, timeout: float | None = None) -> Sweep:
        """Wait until it has ended.

        Args:
            timeout: for so many seconds at most; None: for as long as it takes.

        Returns:
            Itself.

        Raises:
            JobFailed: it has failed or was cancelled; says why.
            NotEnded: the time is over. The sweep goes on.
        """
        self._record = self._sweeping.wait(self._record, timeout)
        todo = f"the sweep goes on: call wait again, or `fitq sweep watch {self.name}`"
        check_ended(self._record, timeout, todo)
        return self._succeeded()

    # -- steering it ----------------------------------------------------------------------

    def cancel(self) -> Sweep:
        """Stop it: its running trials stop at their next batch; what was completed stays.

        Returns:
            Itself.

        Raises:
            InvalidInput: it had ended.
        """
        self._record = self._sweeping.cancel(self.record)
        return self

    def resume(self) -> Sweep:
        """Let it go on, after its end, with the trials that are missing or have failed.

        Returns:
            Itself.

        Raises:
            InvalidInput: it runs, or has nothing left to do.
        """
        self._record = self._sweeping.resume(self.record)
        return self

    def remove(self) -> None:
        """Forget it, after its end; the jobs of its trials, with their models, stay.

        Raises:
            InvalidInput: it has not ended, or its last trials are just being stopped.
        """
        self._sweeping.remove(self.record)

    # -- how it looks ---------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"<Sweep {self.name} ({self.id}): {self._record.state}>"

    def _repr_html_(self) -> str:
        standing = self._sweeping.standing(self.id)
        headers, cells = rows(standing)
        head = "".join(f"<th>{_shown(name)}</th>" for name in headers)
        body = "".join(
            "<tr>" + "".join(f"<td>{_shown(cell)}</td>" for cell in row) + "</tr>" for row in cells
        )
        caption = _shown(f"{self.name} {standing.sweep.state}: {counts(standing)}")
        return f"<table><caption>{caption}</caption><tr>{head}</tr>{body}</table>"

    # -- inside ---------------------------------------------------------------------------

    def _succeeded(self) -> Sweep:
        check_succeeded(self._record, "see sweep.leaderboard(); sweep.resume() lets it go on")
        return self


def _shown(value: object) -> str:
    return html.escape(printable(str(value)))
