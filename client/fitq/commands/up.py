"""`fitq up`: start the local stack."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fitq.stack.addresses import Addresses
    from fitq.stack.worker_plan import DeviceChoice


@click.command()
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    metavar="N",
    help="So many workers, which share the CPU cores.  [default: one for each GPU, "
    "or one with all cores]",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "gpu"]),
    default="auto",
    show_default=True,
    help="What the workers run on; auto: the GPUs if there are any.",
)
@click.option("--no-flower", is_flag=True, help="Leave out Flower, the monitoring pages.")
@click.option("--json", "as_json", is_flag=True, help="Print the addresses as JSON.")
def command(workers: int | None, device: DeviceChoice, no_flower: bool, as_json: bool) -> None:
    """Start the local stack: Redis, one worker per device, Flower.

    It runs on after this command has ended, in the folder `.fitq` here, until `fitq down`.
    Whatever crashes is started again. A worker that has left after `fitq drain` stays away until
    the next `fitq up`.
    """
    from fitq.stack.local_stack import LocalStack
    from fitq.stack.worker_plan import plan_workers

    stack = LocalStack(Path.cwd())
    addresses, started = stack.up(
        plan_workers(device, workers),
        flower=not no_flower,
        tell=lambda line: click.echo(line, err=True),
    )
    if as_json:
        click.echo(json.dumps(addresses.as_dict() | {"started": started}, indent=2))
    else:
        _show(addresses, started)
    for name in ("FITQ_REDIS_URL", "FITQ_STORE"):
        if os.environ.get(name):
            click.echo(f"note: {name} is set and goes before this stack; unset it", err=True)


def _show(addresses: Addresses, started: bool) -> None:
    from fitq_shared.settings import hide_password

    click.echo("The stack is up." if started else "The stack was up already.")
    rows = {
        "Redis": hide_password(addresses.redis_url),
        "Flower": addresses.flower_url,
        "  login": f"{addresses.flower_user} / {addresses.flower_password}",
        "workers": addresses.workers or "none",
        "store": addresses.store,
        "logs": addresses.logs,
    }
    if not addresses.flower_url:
        rows["Flower"] = "not started (--no-flower)"
        del rows["  login"]
    for name, value in rows.items():
        click.echo(f"  {name:<8} {value}")
    click.echo("Next: `fitq train` to train a model, `fitq down` to stop the stack.")
