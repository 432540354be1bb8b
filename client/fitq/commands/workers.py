"""`fitq workers`."""

from __future__ import annotations

from dataclasses import asdict

import click

from fitq.commands._options import as_json


@click.command()
@as_json
def command(as_json: bool) -> None:
    """List the workers, their devices, and the jobs that they run."""
    from fitq.client import Client
    from fitq.tables import ago, print_json, print_table

    client = Client()
    running = client.running_on()
    rows = []
    for worker in client.workers():
        job = running.get(worker.token)
        state = "busy" if job else "idle" if worker.state == "ready" else worker.state
        facts = {key: value for key, value in asdict(worker).items() if key != "token"}
        rows.append({**facts, "state": state, "job": job.name if job else None})
    if as_json:
        print_json(rows)
        return
    if not rows:
        click.echo(
            "no workers; start one with `fitq-worker`, or a local stack with `fitq up`", err=True
        )
        return
    print_table(
        ["name", "device", "state", "job", "host", "pid", "since", "version"],
        [
            [
                *(r["name"], r["device_name"], r["state"], r["job"]),
                *(r["host"], r["pid"], ago(float(str(r["since"]))), r["version"]),
            ]
            for r in rows
        ],
    )
