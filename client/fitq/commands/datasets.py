"""`fitq datasets`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from fitq.commands._options import as_json

if TYPE_CHECKING:
    from fitq.queue import Queue


@click.group(invoke_without_command=True)
@as_json
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """List the data sets; `fitq datasets describe NAME` looks into one."""
    if context.invoked_subcommand is not None:
        return
    from fitq.tables import print_json, print_table
    from fitq_shared.catalogue import DATASETS

    rows = [
        {
            "name": facts.name,
            "title": facts.title,
            "classes": facts.classes,
            "image_shape": list(facts.image_shape),
            **{f"{split}_rows": count for split, count in facts.rows.items()},
        }
        for facts in DATASETS.values()
    ]
    if as_json:
        print_json(rows)
        return
    print_table(list(rows[0]), [[_shown(value) for value in row.values()] for row in rows])
    click.echo("next: fitq datasets describe mnist", err=True)


@command.command()
@click.argument("name")
@as_json
def describe(name: str, as_json: bool) -> None:
    """Describe one data set: shapes, types, ranges, class counts, measured on its arrays.

    The first time, a worker loads it into the volume.
    """
    from fitq.queue import Queue
    from fitq.tables import print_json
    from fitq_shared.catalogue import DATASETS
    from fitq_shared.errors import InvalidInput
    from fitq_shared.specs.mistakes import unknown_choice

    if name not in DATASETS:
        raise InvalidInput([unknown_choice("NAME", name, DATASETS)])
    client = Queue()
    path = f"datasets/{name}/description.json"
    if not client.store.exists(path):
        _let_a_worker_load(client, name)
    found = json.loads(client.store.read(path))
    if as_json:
        print_json(found)
    else:
        _print(found)


def _let_a_worker_load(client: Queue, name: str) -> None:
    from fitq.drafts import complete
    from fitq.outcome import follow_to_end, show_end

    record = client.submit(complete({"kind": "describe", "dataset": name}, client.settings))
    click.echo(f"job {record.id} ({record.name}): loads {name} into the volume", err=True)
    ended = follow_to_end(client, record)
    if ended.state != "succeeded":
        show_end(client, ended, as_json=False)


def _print(found: dict[str, Any]) -> None:
    from fitq.tables import print_table

    click.secho(f"{found['name']}: {found['title']}", bold=True)
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
