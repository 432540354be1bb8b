"""What a running job has at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fitq_shared.attempt_folder import AttemptFolder
    from fitq_shared.record import JobRecord
    from fitq_shared.store import Store
    from fitq_worker.identity import Identity
    from fitq_worker.reporter import Reporter


@dataclass(frozen=True)
class JobContext:
    """The job's record and folder, the store, and the line to the queue."""

    record: JobRecord
    folder: AttemptFolder
    store: Store
    reporter: Reporter
    identity: Identity
