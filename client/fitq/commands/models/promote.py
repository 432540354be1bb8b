"""`fitq models promote`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
@click.option("--evaluation", help="Take the metric of this evaluation of MODEL.")
@click.option("--mode", type=click.Choice(["max", "min"]), help="Which way the metric gets better.")
@as_json
def command(
    model: str,
    alias: str,
    metric: str | None,
    evaluation: str | None,
    mode: Mode | None,
    as_json: bool,
) -> None:
    """Let ALIAS name the version MODEL, such as mnist@3, instead of the one that it names now.

    \b
    fitq models promote mnist@3 production
    fitq models promote mnist production --if-better val_accuracy
    fitq models promote mnist production --if-better accuracy --evaluation JOB

    With an evaluation a worker decides: it measures the holder on the same rows, if nobody has.
    """
    from fitq.commands.models._checks import check_names
    from fitq.queue import Queue
    from fitq.tables import print_json
    from fitq_shared.errors import InvalidInput, Mistake
    from fitq_shared.redis_link import reporting_unreachable

    check_names(ALIAS=alias)
    conditions = {"--mode": mode, "--evaluation": evaluation}
    if not metric and any(conditions.values()):
        given = [(name, value) for name, value in conditions.items() if value]
        raise InvalidInput([Mistake(*one, "--if-better METRIC too") for one in given])
    client = Queue()
    with reporting_unreachable(client.settings):
        version = client.registry.find(model)
    if evaluation and metric:
        _promote_by_job(client, version, alias, evaluation, metric, mode, as_json=as_json)
        return
    with reporting_unreachable(client.settings):
        promotion = _promote(client, version, alias, metric, mode)
    if as_json:
        print_json(promotion.public())
    else:
        click.echo(promotion.text)
        label = f"{version.name}@{alias}"
        click.echo(f"next: fitq predict {label} · fitq models show {label}", err=True)
    if not promotion.promoted:
        raise SystemExit(1)


def _promote_by_job(
    client: Queue,
    version: ModelVersion,
    alias: str,
    evaluation: str,
    metric: str,
    mode: Mode | None,
    *,
    as_json: bool,
) -> None:
    """Let a worker compare the model with the holder, and exit with 1 if it is not promoted."""
    from fitq.drafts import complete
    from fitq.model_references import find_model, measures_code
    from fitq.outcome import submit_and_follow
    from fitq_shared.attempt_folder import AttemptFolder

    job = client.job(evaluation)
    spec = complete(
        {
            "kind": "promote",
            "model": find_model(client, version.label)[1].model_dump(),
            "model_name": version.name,
            "alias": alias,
            "metric": metric,
            "mode": mode,
            "evaluation": job.id,
            "code": measures_code(client, f"{version.name}@{alias}", job.id),
        },
        client.settings,
    )
    record = submit_and_follow(client, spec, wait=True, as_json=as_json)
    if record and client.artifacts.has_store and not as_json:
        found: Any = client.artifacts.folder(record).read_json(AttemptFolder.promotion)
        click.echo(found["text"])
    if record is None or not (record.metrics or {}).get("promoted"):
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
