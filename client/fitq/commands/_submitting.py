"""What the commands do that submit a job: print its spec, or follow it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fitq.queue import Queue
    from fitq.uploads import Upload
    from fitq_shared.record import JobRecord


def submit_with_files(
    values: Mapping[str, Any], folder: Path, *, no_wait: bool, dry_run: bool, as_json: bool
) -> tuple[Queue, JobRecord] | None:
    """Submit a job with the files that it names, or print its spec, which needs no queue.

    Args:
        folder: what paths in the job are relative to.

    Returns:
        The record of a job that was followed and has succeeded, with the queue that has it.
        Exits as `submit_and_follow` does.

    Raises:
        InvalidInput: names every mistake at once. Nothing was submitted.
    """
    from fitq.commands._flags import naming_flags
    from fitq.own_model import complete_with_files
    from fitq.tables import print_json
    from fitq_shared.settings import Settings

    with naming_flags():
        spec, uploads = complete_with_files(values, Settings.without_queue(), folder)
    if dry_run:
        print_json(spec.model_dump(mode="json"))
        return None
    from fitq.outcome import submit_and_follow
    from fitq.queue import Queue
    from fitq.uploads import upload_all

    client = Queue()
    upload_all(client, uploads)
    record = submit_and_follow(client, spec, wait=not no_wait, as_json=as_json)
    return (client, record) if record else None


def submit(
    client: Queue,
    values: Mapping[str, Any],
    upload: Upload | None = None,
    *,
    no_wait: bool,
    dry_run: bool,
    as_json: bool,
) -> JobRecord | None:
    """Submit a job that comes from a command's flags, or print its spec.

    Args:
        upload: the file that the job needs, if it needs one.

    Returns:
        The record of a job that was followed and has succeeded. Exits as `submit_and_follow` does.

    Raises:
        InvalidInput: names every mistake at once. Nothing was submitted.
    """
    from fitq.commands._flags import naming_flags
    from fitq.drafts import complete
    from fitq.outcome import submit_and_follow
    from fitq.tables import print_json
    from fitq.uploads import upload_all

    with naming_flags():
        spec = complete(values, client.settings)
    if dry_run:
        print_json(spec.model_dump(mode="json"))
        return None
    if upload is not None:
        upload_all(client, [upload])
    return submit_and_follow(client, spec, wait=not no_wait, as_json=as_json)
