"""`fitq reindex`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fitq.commands._options import as_json

if TYPE_CHECKING:
    from fitq.rebuild import LostJob, LostModel
    from fitq_shared.sweeps.record import SweepRecord


@click.command()
@click.option("--apply", is_flag=True, help="Restore them. Without this nothing is changed.")
@as_json
def command(apply: bool, as_json: bool) -> None:
    """Bring back the jobs, models and sweeps that Redis has lost, from the store.

    Without --apply they are only listed.

    A job that had ended gets its record back. One that had been started is queued again, and goes
    on from its last checkpoint. One that was never started is not in the store: submit it again.
    """
    from fitq.housekeeping import Housekeeping
    from fitq.queue import Queue
    from fitq.sweeping import Sweeping
    from fitq.tables import print_json

    client = Queue()
    housekeeping, sweeping = Housekeeping(client), Sweeping(client)
    lost, models = housekeeping.lost_jobs(), housekeeping.lost_models()
    if apply:
        # Before the jobs: these are registered anew if the registry does not know them.
        for model in models:
            housekeeping.restore_model(model)
    sound = [job for job in lost if not job.damage]
    damaged = [job for job in lost if job.damage]
    restored = [job for job in sound if apply and housekeeping.restore(job)]
    sweeps = sweeping.lost()
    if apply:
        # After the jobs: a sweep makes the jobs of its trials where there are none.
        for sweep, trials in sweeps:
            sweeping.restore(sweep, trials)
    if as_json:
        print_json(
            {
                "applied": apply,
                "jobs": [{**j.restored.public(), "restored": j in restored} for j in sound],
                "damaged": [{**j.known.public(), "damage": j.damage} for j in damaged],
                "models": [v.model_dump(mode="json") for m in models for v in m.versions],
                "sweeps": [sweep.public(trials) for sweep, trials in sweeps],
            }
        )
    else:
        _print_models(models, applied=apply)
        _print_sweeps([sweep for sweep, _ in sweeps], applied=apply)
        if lost or not (models or sweeps):
            _print(sound, damaged, applied=apply, restored=len(restored))
    if damaged:
        raise SystemExit(1)


def _print(sound: list[LostJob], damaged: list[LostJob], *, applied: bool, restored: int) -> None:
    from fitq.tables import ago, print_table
    from fitq_shared.texts import printable

    if not sound and not damaged:
        click.echo("Redis knows all jobs that the store knows: nothing to restore")
        return
    if sound:
        print_table(
            ["id", "name", "kind", "restored as", "created", "owner"],
            [
                [
                    *(j.known.id, j.known.name, j.known.kind, _as_what(j)),
                    *(ago(j.known.created), j.known.owner),
                ]
                for j in sound
            ],
            hide=["owner", "created", "kind"],
            fold={"restored as": 12},
        )
    for job in damaged:
        damage = printable(job.damage)
        click.echo(f"{job.known.id}  {job.known.name}  damaged, stays as it is: {damage}")
    if applied:
        click.echo(f"restored {restored} of {len(sound) + len(damaged)} jobs")
        if any(not job.restored.ended for job in sound):
            click.echo("what is queued again the workers find within seconds", err=True)
    else:
        click.echo(f"would restore {len(sound)} jobs; nothing was changed")
        click.echo("restore them with `fitq reindex --apply`", err=True)


def _print_models(models: list[LostModel], *, applied: bool) -> None:
    for model in models:
        labels = ", ".join(version.label for version in model.versions)
        click.echo(f"{'restored' if applied else 'would restore'} {labels}")
    if models and not applied:
        click.echo("restore them with `fitq reindex --apply`", err=True)


def _print_sweeps(sweeps: list[SweepRecord], *, applied: bool) -> None:
    for sweep in sweeps:
        what = f"the sweep {sweep.name}, which was {sweep.state}"
        click.echo(f"{'restored' if applied else 'would restore'} {what}")
    if sweeps and not applied:
        click.echo("restore them with `fitq reindex --apply`", err=True)


def _as_what(job: LostJob) -> str:
    record = job.restored
    return record.state if record.ended else f"queued again as attempt {record.attempt}"
