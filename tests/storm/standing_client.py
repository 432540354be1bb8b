"""A client that stands still between a job's record and its message, until it is killed."""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

import click

from fitq.queue import Queue
from fitq_shared import dispatch
from fitq_shared.errors import QueueUnreachable
from fitq_shared.record import JobRecord
from fitq_shared.specs.kinds import parse_spec


def stand_still(app: Any, record: JobRecord) -> None:
    """In place of `dispatch.send`: say which record was written, and never return."""
    click.echo(record.id)
    threading.Event().wait()


if __name__ == "__main__":
    dispatch.send = stand_still
    try:
        Queue().submit(parse_spec(json.load(sys.stdin)))
    except QueueUnreachable as outage:
        sys.exit(outage.exit_code)
