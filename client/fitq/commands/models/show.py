"""`fitq models show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fitq.commands._options import as_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fitq_shared.lineage import Lineage
    from fitq_shared.model_version import AliasChange
    from fitq_shared.record import JobRecord


@click.command()
@click.argument("model")
@as_json
def command(model: str, as_json: bool) -> None:
    """Show the version MODEL, such as mnist@3: where it comes from, metrics, evaluations."""
    from fitq.queue import Queue
    from fitq.tables import print_json
    from fitq.versions import described

    client = Queue()
    found = described(client, model)
    if as_json:
        print_json(found.public())
        return
    version = found.listed.version
    aliases = "".join(f"  {version.name}@{alias}" for alias in found.listed.aliases)
    click.secho(f"{version.label}{aliases}", bold=True)
    from fitq.tables import ago

    _print_facts({"registered": f"{ago(version.registered)} by {version.by}"})
    if found.lineage is None or found.listed.record is None:
        click.echo(f"  its job {version.job_name} ({version.job}) is gone: try `fitq reindex`")
        return
    _print_lineage(found.lineage, found.listed.record.summary)
    _print_metrics(found.listed.record, found.evaluations)
    _print_history(found.history)
    click.echo(
        f"next: fitq predict {version.label} · fitq evaluate {version.label} · "
        f"fitq models export {version.label} --format savedmodel",
        err=True,
    )


def _print_lineage(lineage: Lineage, summary: str) -> None:
    environment = " · ".join(f"{name} {version}" for name, version in lineage.environment.items())
    click.secho("lineage", bold=True)
    _print_facts(
        {
            "job": f"{lineage.job_name} ({lineage.job}), attempt {lineage.attempt}: {summary}",
            "data": f"{lineage.dataset}  {lineage.data_hash or 'hash unknown'}",
            "code": lineage.code_hash,
            "spec": lineage.spec_hash,
            "seed": lineage.seed,
            "threads": lineage.threads,
            "device": lineage.device,
            "versions": environment or "in the store, which this client cannot read",
        }
    )


def _print_facts(facts: dict[str, Any]) -> None:
    from fitq_shared.texts import printable

    for name, value in facts.items():
        if value is not None:
            click.echo(f"  {name:<10} {printable(str(value))}")


def _print_metrics(record: JobRecord, evaluations: Iterable[JobRecord]) -> None:
    from fitq.tables import print_metrics
    from fitq_shared.version_metrics import measured_on

    click.secho("metrics of the training", bold=True)
    print_metrics(record.metrics or {})
    for evaluation in evaluations:
        what = measured_on(evaluation)
        click.secho(f"metrics on {what} ({evaluation.name})", bold=True)
        print_metrics(evaluation.metrics or {})


def _print_history(changes: Iterable[AliasChange]) -> None:
    from fitq.tables import ago
    from fitq_shared.texts import printable

    changes = list(changes)
    if not changes:
        return
    click.secho("aliases", bold=True)
    for change in changes:
        became = f"to version {change.version}" if change.version else "removed"
        before = f", was {change.before}" if change.before else ""
        why = f" ({printable(change.why)})" if change.why else ""
        click.echo(f"  {ago(change.at)}  {change.alias} {became}{before}, by {change.by}{why}")
