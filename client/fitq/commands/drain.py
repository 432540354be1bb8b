"""`fitq drain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fitq.commands._options import as_json

if TYPE_CHECKING:
    from fitq.queue import Queue
    from fitq_shared.record import JobRecord
    from fitq_shared.workers import DrainMode, WorkerInfo

_POLL_SECONDS = 0.3


@click.command()
@click.argument("workers", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All workers.")
@click.option("--after-job", is_flag=True, help="Let the job in hand end first.")
@click.option("--no-wait", is_flag=True, help="Do not wait until they have left.")
@as_json
def command(
    workers: tuple[str, ...], every: bool, after_job: bool, no_wait: bool, as_json: bool
) -> None:
    """Let workers leave. WORKERS are names from `fitq workers`, or their beginnings.

    The job in hand stops at its next batch, goes back to the front of its queue, and goes on
    elsewhere from there. With --after-job it ends first.
    """
    from fitq.cli import INTERRUPTED
    from fitq.queue import Queue
    from fitq.tables import print_json
    from fitq_shared.errors import InvalidInput
    from fitq_shared.texts import printable

    if every == bool(workers):
        raise InvalidInput("give either workers or --all to drain", "see `fitq workers`")
    client = Queue()
    there = client.workers()
    chosen = there if every else _choose(there, workers)
    mode: DrainMode = "after-job" if after_job else "now"
    jobs = client.running_on()
    for worker in chosen:
        client.drain(worker, mode)
        if not as_json:
            name, follows = printable(worker.name), _what_follows(jobs.get(worker.token), mode)
            click.echo(f"{name}  draining: {follows}")
    if not chosen:
        click.echo("no workers to drain", err=True)
    left: set[str] = set()
    try:
        if chosen and not no_wait:
            left = _wait_until_left(client.patient(), chosen, tell=not as_json)
    except KeyboardInterrupt:
        click.echo("\nthey go on leaving; see `fitq workers`", err=True)
        raise SystemExit(INTERRUPTED) from None
    if as_json:
        print_json(
            [
                {
                    **{"name": w.name, "host": w.host, "pid": w.pid, "mode": mode},
                    "job": jobs[w.token].name if w.token in jobs else None,
                    "left": w.token in left,
                }
                for w in chosen
            ]
        )
    if not no_wait and len(left) < len(chosen):
        raise SystemExit(1)


def _choose(there: list[WorkerInfo], references: tuple[str, ...]) -> list[WorkerInfo]:
    """The workers that these mean, each once.

    Raises:
        InvalidInput: names each that means none, or several.
    """
    from fitq_shared.errors import InvalidInput

    chosen: dict[str, WorkerInfo] = {}
    wrong = []
    names = sorted({worker.name for worker in there})
    for reference in references:
        matches = [n for n in names if n == reference] or [
            n for n in names if n.startswith(reference)
        ]
        if len(matches) == 1:
            chosen |= {w.token: w for w in _holding(there, matches[0])}
        elif matches:
            wrong.append(f"several workers begin with {reference!r}: {', '.join(matches)}")
        else:
            wrong.append(f"there is no worker {reference!r}{_guess(reference, names)}")
    if wrong:
        raise InvalidInput("\n".join(wrong), "see `fitq workers`")
    return list(chosen.values())


def _holding(there: list[WorkerInfo], name: str) -> list[WorkerInfo]:
    """Of the workers of one name the one that has the device: it is to make room for the others."""
    named = [worker for worker in there if worker.name == name]
    return [worker for worker in named if worker.state != "waiting"] or named


def _guess(reference: str, names: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(reference, names, 3, cutoff=0.4)
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


def _what_follows(job: JobRecord | None, mode: DrainMode) -> str:
    if job is None:
        return "it has no job, and leaves now"
    if mode == "after-job":
        return f"it leaves when its job {job.name} has ended"
    return f"its job {job.name} goes back to the front of the queue"


def _wait_until_left(client: Queue, chosen: list[WorkerInfo], *, tell: bool) -> set[str]:
    """Return once none of them is there any more: the tokens of those that have left.

    A worker that leaves takes its order to leave with it. Where that still stands, the worker
    was killed, or is cut off from Redis.
    """
    import threading

    from fitq_shared.texts import printable

    pause = threading.Event()
    waited = {worker.token: worker for worker in chosen}
    left: set[str] = set()
    while waited:
        there = {worker.token for worker in client.workers()}
        for token in waited.keys() - there:
            worker = waited.pop(token)
            silent = client.drain_order(worker) is not None
            if not silent:
                left.add(token)
            if tell:
                became = "stopped answering" if silent else "has left"
                click.echo(f"{printable(worker.name)}  {became}")
        if waited:
            pause.wait(_POLL_SECONDS)
    return left
