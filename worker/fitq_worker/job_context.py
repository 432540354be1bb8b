"""What a running job has at hand."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fitq_shared.attempt_folder import AttemptFolder
    from fitq_shared.dataset_manifest import CodeSource
    from fitq_shared.record import JobRecord
    from fitq_shared.records import Records
    from fitq_shared.rows_used import RowsUsed
    from fitq_shared.specs.code import UserCode
    from fitq_shared.store import Store
    from fitq_worker.identity import Identity
    from fitq_worker.own_code import OwnCode
    from fitq_worker.reporter import Reporter


@dataclass
class Said:
    """What only the run of a job can tell: its summary, and the rows that it has used."""

    rows_used: RowsUsed | None = None
    summary: str | None = None


@dataclass(frozen=True)
class JobContext:
    """The job's record and folder, the store, the line to the queue, and all records.

    What `until_end` holds is closed when the job has ended. `said` is what its record is to say of
    it when it has succeeded.
    """

    record: JobRecord
    folder: AttemptFolder
    store: Store
    reporter: Reporter
    identity: Identity
    records: Records
    until_end: ExitStack = field(default_factory=ExitStack)
    said: Said = field(default_factory=Said)

    def own_code(self, code: UserCode) -> OwnCode:
        """Code of the user's own, to be used in a `with` block."""
        from fitq_worker.own_code import OwnCode

        return OwnCode(self.store, code, self.reporter, allowed=self.identity.allows_code)

    def data_code(self, code: CodeSource, content: bytes) -> OwnCode:
        """Code of the user's own that makes a data set, which holds this bundle."""
        from fitq_worker.own_code import OwnCode

        allowed = self.identity.allows_code
        return OwnCode(self.store, code, self.reporter, allowed=allowed, content=content)

    def keep_code(self, code: UserCode) -> OwnCode:
        """The same, importable until the job has ended."""
        return self.until_end.enter_context(self.own_code(code))
