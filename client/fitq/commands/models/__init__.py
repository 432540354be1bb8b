"""`fitq models` and its commands, each a file here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fitq.commands._options import as_json
from fitq.lazy_commands import LazyCommands

if TYPE_CHECKING:
    from fitq.versions import Listed

COMMANDS = {
    "show": "Show one version: where it comes from, metrics, evaluations.",
    "compare": "Show versions side by side.",
    "register": "Make what a job has trained a version of a model.",
    "promote": "Let an alias name a version.",
    "unalias": "Remove an alias.",
    "export": "Export a model as SavedModel or ONNX.",
    "rm": "Unregister versions.",
    "check": "Build a model on a worker, without training it.",
    "zoo": "List the models that can be trained by name, with their options.",
}


@click.group(cls=LazyCommands, package=__name__, table=COMMANDS, invoke_without_command=True)
@as_json
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """List the registered models with their versions and aliases; its commands do more."""
    if context.invoked_subcommand is None:
        _list(as_json=as_json)


def _list(*, as_json: bool) -> None:
    from fitq.queue import Queue
    from fitq.tables import print_json
    from fitq.versions import listed

    client = Queue()
    versions = listed(client)
    if as_json:
        print_json([version.public() for version in versions])
        return
    if not versions:
        click.echo("no model is registered yet")
        click.echo(
            "train with `--register NAME`, or `fitq models register JOB NAME`; "
            "what can be trained by name: `fitq models zoo`",
            err=True,
        )
        return
    _print(versions)
    click.echo(f"next: fitq models show {versions[0].version.label}", err=True)


def _print(versions: list[Listed]) -> None:
    from fitq.tables import ago, headline, print_table

    print_table(
        ["model", "aliases", "job", "what", "data", "metric", "registered", "by"],
        [
            [
                *(one.version.label, ", ".join(one.aliases), one.version.job_name),
                *(one.record.summary if one.record else "its job is gone", one.data),
                headline(one.record.metrics if one.record else None),
                *(ago(one.version.registered), one.version.by),
            ]
            for one in versions
        ],
        hide=["by", "data", "registered", "job"],
        fold={"what": 18, "aliases": 10, "metric": 10},
    )
