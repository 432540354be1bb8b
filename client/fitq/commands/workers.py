"""`fitq workers`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from fitq.commands._options import as_json

if TYPE_CHECKING:
    from fitq.queue import Queue
    from fitq_shared.record import JobRecord
    from fitq_shared.workers import WorkerInfo


@click.command()
@as_json
def command(as_json: bool) -> None:
    """List the workers, their devices, and the jobs that they run."""
    from fitq.queue import Queue
    from fitq.tables import ago, print_json, print_table

    client = Queue()
    running = client.running_on()
    rows = []
    for worker in client.workers():
        job = running.get(worker.token)
        facts = {key: value for key, value in asdict(worker).items() if key != "token"}
        facts["state"] = _state(client, worker, job)
        rows.append({**facts, "job": job.name if job else None})
    if as_json:
        print_json(rows)
        return
    if not rows:
        click.echo(
            "no workers; start one with `fitq-worker`, or a local stack with `fitq up`", err=True
        )
        return
    print_table(
        ["name", "device", "state", "job", "code", "host", "pid", "since", "version"],
        [
            [
                *(r["name"], r["device_name"], _shown_state(r), r["job"]),
                "allowed" if r["allows_code"] else "",
                *(r["host"], r["pid"], ago(float(str(r["since"]))), _version(r)),
            ]
            for r in rows
        ],
        hide=["pid", "host", "since", "code", "version"],
        fold={"device": 16, "state": 16, "version": 16},
    )


def _state(client: Queue, worker: WorkerInfo, job: JobRecord | None) -> str:
    # One that leaves after its job goes on calling itself ready until then.
    if worker.state == "draining" or client.drain_order(worker):
        return "draining"
    if job:
        return "busy"
    return "idle" if worker.state == "ready" else worker.state


def _shown_state(worker: dict[str, Any]) -> str:
    waits_for = worker["waits_for"] if worker["state"] == "waiting" else ""
    return f"waiting: {waits_for}" if waits_for else str(worker["state"])


def _version(worker: dict[str, Any]) -> str:
    from fitq_shared.schema import SCHEMA_VERSION

    version = str(worker["version"])
    if worker["schema"] == SCHEMA_VERSION:
        return version
    return f"{version}, takes jobs of version {worker['schema']} (here: {SCHEMA_VERSION})"
