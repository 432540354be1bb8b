"""The live view of one job: its place while it waits, then its epochs as they come.

It goes to standard error, so that standard output holds results only. In a terminal there is
a bar with the time left; elsewhere a line for each epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fitq.numbers import measure
from fitq.queue import Queue
from fitq.screens import Screen, screen
from fitq.waiting import after_whom, nobody, where_it_stands
from fitq_shared.events import ENDINGS, Event
from fitq_shared.record import JobRecord
from fitq_shared.texts import printable

_NOT_METRICS = {"phase", "epoch", "epochs", "batch", "batches", "seconds", "learning_rate"}
_TICKS_UNTIL_WORKERS_ARE_COUNTED = 2


def follow(client: Queue, record: JobRecord) -> JobRecord:
    """Show a job until it has ended, riding out outages of Redis of up to five minutes.

    Returns:
        The record of the ended job.

    Raises:
        QueueUnreachable: Redis does not answer, or has not come back.
    """
    with screen() as shown:
        client = client.patient(shown.say)
        view = _View(client, record, shown)
        view.begin()
        for event in client.events(record):
            if event is not None:
                view.show(event)
            else:
                view.idle()
            if event is None or event.type in ENDINGS:
                current = client.job(record.id)
                if current.ended:
                    return current
    return client.job(record.id)


class _View:
    """What was already said, so that it is said once."""

    def __init__(self, client: Queue, record: JobRecord, screen: Screen) -> None:
        self._client = client
        self._record = record
        self._screen = screen
        self._said = ""
        self._epochs = record.spec.get("epochs")
        self._waiting = True
        self._ticks = 0

    def begin(self) -> None:
        """Say at once if nobody is there to run the job."""
        record = self._client.job(self._record.id)
        if record.state == "waiting":
            self._say(after_whom(self._client.before(record)))
        elif record.state == "queued" and (text := nobody(record, self._client.workers())):
            self._say(text)

    def show(self, event: Event) -> None:
        """Show what has happened."""
        data = event.data
        self._waiting = event.type in ("waiting", "queued", "requeued")
        if event.type == "started":
            self._say(f"attempt {event.attempt} runs on {data['worker']}")
        elif event.type == "requeued":
            self._say(f"attempt {event.attempt} ended: {data['reason']['message']}; queued again")
        elif event.type == "epoch":
            self._say(_epoch_line(data, self._epochs))
        elif event.type == "progress":
            self._move(data)

    def idle(self) -> None:
        """Nothing new: while the job waits, say where it stands and what it waits for."""
        if not self._waiting:
            return
        self._ticks += 1
        if self._ticks < _TICKS_UNTIL_WORKERS_ARE_COUNTED:
            return
        record = self._client.job(self._record.id)
        if record.state == "waiting":
            self._say(after_whom(self._client.before(record)))
            return
        workers = self._client.workers()
        if text := nobody(self._record, workers):
            self._say(text)
        elif place := self._client.place(record):
            self._say(where_it_stands(record, place, workers))

    def _move(self, data: Mapping[str, Any]) -> None:
        total = data["epochs"] * data["batches"]
        done = (data["epoch"] - 1) * data["batches"] + data["batch"]
        name = printable(data["phase"])
        if data["epochs"] > 1:
            name += f" {data['epoch']}/{data['epochs']}"
        self._screen.move(name, total, done, _metrics(data))

    def _say(self, text: str) -> None:
        text = printable(text)
        if text != self._said:
            self._said = text
            self._screen.say(text)


def _epoch_line(row: Mapping[str, Any], epochs: int | None) -> str:
    of = f"/{epochs}" if epochs else ""
    return f"epoch {row['epoch']}{of}  {_metrics(row)}  {row['seconds']:.1f} s"


def _metrics(row: Mapping[str, Any]) -> str:
    return "  ".join(
        f"{printable(name)} {measure(row[name])}" for name in row if name not in _NOT_METRICS
    )
