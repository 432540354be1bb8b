"""What jobs have made: the files that the store keeps of them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from fitq.pulling import pull
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.errors import InvalidInput, StoreError
from fitq_shared.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from fitq_shared.record import JobRecord
    from fitq_shared.settings import Settings


class Artifacts:
    """Reads what jobs have made, and puts what jobs are given.

    Args:
        settings: where the store is. A client without one is told so when it asks for it.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def store(self) -> Store:
        """The artifact store.

        Raises:
            StoreError: this client does not know one.
        """
        if not self._settings.store_url:
            raise StoreError(
                "this client has no access to the store",
                "set FITQ_STORE to the folder or URL of the volume; "
                "submitting, watching and cancelling work without it",
            )
        return Store(self._settings.store_url)

    @property
    def has_store(self) -> bool:
        """Whether this client can read artifacts."""
        if not self._settings.store_url:
            return False
        with contextlib.suppress(StoreError):
            return Store(self._settings.store_url).exists("")
        return False

    def folder(self, record: JobRecord) -> AttemptFolder:
        """The artifacts of a job's newest attempt."""
        return AttemptFolder.of(self.store, record)

    def history(self, record: JobRecord) -> list[dict[str, float]]:
        """What a training has measured so far, one row for each epoch.

        Raises:
            InvalidInput: it is no training, or has not finished an epoch.
            StoreError: this client cannot read the store.
        """
        folder = self.folder(record)
        if not folder.exists(AttemptFolder.history_json):
            raise InvalidInput(
                f"{record.name} has no history: it is a {record.kind} job, {record.state}",
                "only trainings have one, after their first epoch",
            )
        rows: Any = folder.read_json(AttemptFolder.history_json)
        return list(rows)

    def pull(self, record: JobRecord, target: Path) -> list[str]:
        """Copy what a job has published to a folder: the names of its files.

        Raises:
            InvalidInput: it has published nothing.
            StoreError: this client cannot read the store, a file is damaged, or the folder cannot
                be written.
        """
        if record.state != "succeeded" or record.manifest is None:
            raise InvalidInput(
                f"{record.name} has published nothing: the job is {record.state}",
                f"see what there is with `fitq show {record.name}`",
            )
        return pull(self.folder(record), record.manifest, target)

    def has_checkpoint(self, record: JobRecord) -> bool:
        """Whether a retry of this job has something to go on from.

        Raises:
            StoreError: this client cannot read the store.
        """
        resumed = range(record.first_attempt, record.attempt + 1)
        starts = tuple(f"attempt-{number}/{AttemptFolder.checkpoints}/" for number in resumed)
        return any(
            path.startswith(starts) and path.endswith(".npz")
            for path in self.store.files(f"jobs/{record.id}")
        )

    def upload(self, content: Path | bytes, path: str) -> None:
        """Put an input file into the store, under the path that its spec names."""
        if isinstance(content, bytes):
            self.store.write(path, content)
        else:
            self.store.put(content, path)
