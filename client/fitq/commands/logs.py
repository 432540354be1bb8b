"""`fitq logs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fitq.commands._options import job

if TYPE_CHECKING:
    from fitq.queue import Queue
    from fitq_shared.attempt_folder import AttemptFolder
    from fitq_shared.record import JobRecord

_POLL_SECONDS = 0.5


@click.command()
@job
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended.")
def command(job: str, follow: bool) -> None:
    """Print the log of a job's newest attempt.

    With --follow it goes on through later attempts, and succeeds when the job has succeeded.
    """
    from fitq.outcome import saying_how_to_return
    from fitq.queue import Queue

    client = Queue()
    record = client.job(job)
    if not follow:
        _print_last(_Log(client.artifacts.folder(record)), record)
        return
    with saying_how_to_return(record):
        record = _follow(client.patient(), record)
    if record.state != "succeeded":
        click.echo(f"{record.name}: {record.state}; see `fitq show {record.name}`", err=True)
        raise SystemExit(1)


def _follow(client: Queue, record: JobRecord) -> JobRecord:
    """Print what comes until the job has ended, and return its record then."""
    import threading

    pause = threading.Event()
    log = _Log(client.artifacts.folder(record))
    while not record.ended:
        log.print_more()
        pause.wait(_POLL_SECONDS)
        current = client.job(record.id)
        if current.attempt != record.attempt:
            log.print_more(last=True)
            log = _Log(client.artifacts.folder(current))
        record = current
    _print_last(log, record)
    return record


def _print_last(log: _Log, record: JobRecord) -> None:
    from fitq_shared.errors import StoreError

    if not log.print_more(last=True):
        raise StoreError(
            f"{record.name} has no log: the job is {record.state}",
            f"follow it with `fitq watch {record.name}`",
        )


class _Log:
    """The log of one attempt, printed as it grows."""

    def __init__(self, folder: AttemptFolder) -> None:
        import codecs

        self._folder = folder
        self._shown = 0
        # What has come so far may end within a letter.
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def print_more(self, *, last: bool = False) -> bool:
        """Print what is new; `last`: nothing more will come. Returns whether there is a log."""
        import sys

        from fitq_shared.texts import plain

        if not self._folder.exists(self._folder.log):
            return False
        content = self._folder.read(self._folder.log)
        text = self._decoder.decode(content[self._shown :], last)
        # A pipe gets it as it is; a terminal would obey what is in it.
        click.echo(plain(text) if sys.stdout.isatty() else text, nl=False, color=True)
        self._shown = len(content)
        return True
