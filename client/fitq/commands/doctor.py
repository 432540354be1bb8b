"""`fitq doctor`."""

from __future__ import annotations

import click

from fitq.commands._options import as_json


@click.command()
@as_json
def command(as_json: bool) -> None:
    """Check what fitq needs, part by part, and say what to do about what is missing."""
    from fitq.checks import run_checks
    from fitq.tables import print_json
    from fitq_shared.texts import plain

    checks = run_checks()
    if as_json:
        print_json([check.__dict__ for check in checks])
    else:
        for check in checks:
            mark, colour = {"ok": ("✓", "green"), "warning": ("!", "yellow")}.get(
                check.verdict, ("✗", "red")
            )
            click.secho(f"{mark} ", fg=colour, nl=False)
            click.echo(f"{check.part:<8} {plain(check.found)}")
            if check.hint:
                click.echo(f"           try: {plain(check.hint)}")
    if any(check.verdict == "failed" for check in checks):
        raise SystemExit(1)
