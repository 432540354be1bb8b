"""`fitq reproduce`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from fitq.commands._options import submission
from fitq.commands._submitting import submit

if TYPE_CHECKING:
    from fitq.queue import Queue
    from fitq_shared.record import JobRecord


@click.command()
@click.argument("job")
@submission
def command(job: str, no_wait: bool, dry_run: bool, as_json: bool, **flags: Any) -> None:
    """Train again what JOB has trained, and say whether it is identical to the bit.

    Same spec, seed, data and threads give the same weights on a CPU. If they differ it
    says where, and what was not the same, and exits with 1. JOB may be a model too: NAME@3.
    """
    from fitq.model_references import find_model
    from fitq.queue import Queue

    client = Queue()
    record, reference = find_model(client, job)
    needs = _needs(client, record)
    values = {
        "kind": "reproduce",
        "model": reference.model_dump(),
        "threads": record.threads,
        **{name: value for name, value in flags.items() if value is not None},
    }
    ended = submit(client, {**needs, **values}, no_wait=no_wait, dry_run=dry_run, as_json=as_json)
    if ended is None:
        return
    if not as_json:
        _print(client, ended)
    if not (ended.metrics or {}).get("identical"):
        raise SystemExit(1)


def _needs(client: Queue, record: JobRecord) -> dict[str, Any]:
    """What the training needs of a worker: what it asked for, on the device that it had."""
    from fitq_shared.attempt_folder import AttemptFolder
    from fitq_shared.specs.kinds import parse_spec

    original = parse_spec(record.spec)
    asked = {
        "device": original.device,
        "min_gpu_memory": original.min_gpu_memory,
        "gpus": original.gpus,
        "code": original.runs_code,
    }
    if original.device == "any" and client.artifacts.has_store and record.manifest:
        folder = client.artifacts.folder(record)
        found: Any = json.loads(folder.read_verified(AttemptFolder.environment, record.manifest))
        asked["device"] = found["device"]["kind"]
    return asked


def _print(client: Queue, record: JobRecord) -> None:
    from fitq.reproductions import lines_of
    from fitq_shared.attempt_folder import AttemptFolder

    if not client.artifacts.has_store:
        click.echo("the report is in the store, which this client cannot read", err=True)
        return
    report: Any = client.artifacts.folder(record).read_json(AttemptFolder.reproduction)
    for line in lines_of(report):
        click.echo(line)
    if not report["identical"]:
        click.echo(f"next: fitq pull {record.name}", err=True)
