"""What the storm prints as it goes."""

from __future__ import annotations

import time

import click

_STARTED = time.monotonic()


def say(text: str) -> None:
    """One line, with the minutes and seconds since the start."""
    minutes, seconds = divmod(int(time.monotonic() - _STARTED), 60)
    click.echo(f"[{minutes:02d}:{seconds:02d}] {text}")
