"""`fitq datasets describe`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from fitq.commands._options import as_json

if TYPE_CHECKING:
    from fitq.queue import Queue


@click.command()
@click.argument("name")
@as_json
def command(name: str, as_json: bool) -> None:
    """Describe one data set, measured on its values: shapes, types, ranges, counts.

    The first time, a worker does it, and brings a data set that fitq knows into the volume.
    """
    from fitq.data.access import registered
    from fitq.queue import Queue
    from fitq.tables import print_json
    from fitq_shared.catalogue import DATASETS
    from fitq_shared.datasets import description_path

    if name in DATASETS:
        found = _measured(Queue(), name, f"datasets/{name}/description.json")
    else:
        _, one = registered(name, "NAME")
        found = _measured(Queue(), str(one), description_path(one.manifest))
    if as_json:
        print_json(found)
    else:
        _print(found)
        click.echo(f"next: fitq train --dataset {name}", err=True)


def _measured(client: Queue, name: str, path: str) -> Any:
    """What an earlier job has found in this data set, or a new one finds."""
    if not client.artifacts.store.exists(path):
        _let_a_worker_measure(client, name)
    return json.loads(client.artifacts.store.read(path))


def _let_a_worker_measure(client: Queue, name: str) -> None:
    from fitq.drafts import complete
    from fitq.outcome import follow_to_end, show_end

    record = client.submit(complete({"kind": "describe", "dataset": name}, client.settings))
    click.echo(f"job {record.id} ({record.name}): measures {name}", err=True)
    ended = follow_to_end(client, record)
    if ended.state != "succeeded":
        show_end(client, ended, as_json=False)


def _print(found: dict[str, Any]) -> None:
    from fitq.commands.datasets._described import print_described
    from fitq.tables import print_table

    click.secho(f"{found['name']}: {found['title']}", bold=True)
    if "columns" in found:
        print_described(found)
        return
    arrays = found["arrays"]
    print_table(
        ["array", "shape", "dtype", "min", "max"],
        [[n, _shown(a["shape"]), a["dtype"], a["min"], a["max"]] for n, a in arrays.items()],
    )
    counts = found["counts"]
    print_table(
        ["class", "name", *(f"{split} rows" for split in counts)],
        [
            [index, label, *(counts[split][label] for split in counts)]
            for index, label in enumerate(found["class_names"])
        ],
    )


def _shown(value: object) -> str:
    return " × ".join(map(str, value)) if isinstance(value, list) else str(value)
