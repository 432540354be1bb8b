"""`fitq models promote`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fitq.commands._options import as_json

if TYPE_CHECKING:
    from fitq.queue import Queue
    from fitq_shared.metric_order import Mode
    from fitq_shared.model_version import ModelVersion
    from fitq_shared.promotion import Promotion


@click.command()
@click.argument("model")
@click.argument("alias")
@click.option("--if-better", "metric", help="Only if this metric is better than the holder's.")
@click.option("--mode", type=click.Choice(["max", "min"]), help="Which way the metric gets better.")
@as_json
def command(model: str, alias: str, metric: str | None, mode: Mode | None, as_json: bool) -> None:
    """Let ALIAS name the version MODEL, such as mnist@3, instead of the one that it names now.

    \b
    fitq models promote mnist@3 production
    fitq models promote mnist production --if-better val_accuracy
    """
    from fitq.commands.models._checks import check_names
    from fitq.queue import Queue
    from fitq.tables import print_json
    from fitq_shared.errors import InvalidInput, Mistake
    from fitq_shared.redis_link import reporting_unreachable

    check_names(ALIAS=alias)
    if mode and not metric:
        raise InvalidInput([Mistake("--mode", mode, "--if-better METRIC too")])
    client = Queue()
    with reporting_unreachable(client.settings):
        version = client.registry.find(model)
        promotion = _promote(client, version, alias, metric, mode)
    if as_json:
        print_json(promotion.public())
    else:
        click.echo(promotion.text)
        label = f"{version.name}@{alias}"
        click.echo(f"next: fitq predict {label} · fitq models show {label}", err=True)
    if not promotion.promoted:
        raise SystemExit(1)


def _promote(
    client: Queue, version: ModelVersion, alias: str, metric: str | None, mode: Mode | None
) -> Promotion:
    from fitq_shared.metric_order import direction
    from fitq_shared.promotion import promote, promote_if_better
    from fitq_shared.version_metrics import training_metric

    who = client.settings.owner
    if metric is None:
        return promote(client.registry, version, alias, who)
    return promote_if_better(
        *(client.registry, version, alias, who),
        metric=metric,
        mode=direction(metric, mode),
        value_of=lambda one: training_metric(client.records, one, metric),
    )
