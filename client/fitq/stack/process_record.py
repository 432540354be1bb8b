"""The record of the stack's processes, by which `fitq down` finds them, whatever happened."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fitq.stack.folder import StackFolder, read_json, write_json
from fitq.stack.processes import Process, all_processes, boot_id, process

# In the environment of every process of a stack: the stack's folder.
MARK = "FITQ_STACK"


@dataclass(frozen=True)
class ProcessRecord:
    """Who supervises the stack and through which socket, and what it has started.

    A process is the stack's own if it is one of those recorded (same pid, same start, same
    boot), or if it is in the session that our supervisord opened, started after it, and runs
    in the stack's folder or bears the stack's mark. The second half finds what supervisord
    has restarted since, even when supervisord itself was killed: its children survive it.
    """

    folder: StackFolder
    socket: Path
    boot: str = field(default_factory=boot_id)
    supervisor: tuple[int, int] | None = None
    programs: dict[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: StackFolder) -> ProcessRecord | None:
        """The record in the folder, or None."""
        content = read_json(folder.processes_file)
        if not content:
            return None
        supervisor = content.get("supervisor")
        return cls(
            folder=folder,
            socket=Path(content["socket"]),
            boot=content["boot"],
            supervisor=(supervisor[0], supervisor[1]) if supervisor else None,
            programs={name: (one[0], one[1]) for name, one in content["programs"].items()},
        )

    def save(self) -> None:
        """Write the record to its folder."""
        content: dict[str, Any] = {
            "socket": str(self.socket),
            "boot": self.boot,
            "supervisor": self.supervisor,
            "programs": self.programs,
        }
        write_json(self.folder.processes_file, content)

    def with_pids(self, supervisor: int, programs: dict[str, int]) -> ProcessRecord:
        """The same with these processes, as far as they are there."""
        return replace(
            self,
            supervisor=_identity(supervisor),
            programs={
                name: identity
                for name, pid in programs.items()
                if (identity := _identity(pid)) is not None
            },
        )

    def alive(self) -> list[Process]:
        """The stack's own processes that have not ended."""
        if self.boot != boot_id():
            return []
        recorded = {self.supervisor, *self.programs.values()}
        return [
            one
            for one in all_processes()
            if (one.pid, one.start) in recorded or self._is_in_session(one)
        ]

    def supervisor_process(self) -> Process | None:
        """Our supervisord, if it has not ended."""
        if self.supervisor is None or self.boot != boot_id():
            return None
        pid, start = self.supervisor
        found = process(pid)
        return found if found is not None and found.alive and found.start == start else None

    def is_redis(self, one: Process) -> bool:
        """Whether this process of the stack is its Redis."""
        return (one.pid, one.start) == self.programs.get("redis") or (
            one.folder == self.folder.redis
        )

    def _is_in_session(self, one: Process) -> bool:
        if self.supervisor is None:
            return False
        pid, start = self.supervisor
        if one.session != pid or one.start < start:
            return False
        leader = process(pid)
        if leader is not None and leader.start != start:
            return False
        root = self.folder.root
        return (
            one.folder is not None and one.folder.is_relative_to(root)
        ) or f"{MARK}={root}" in one.environment


def _identity(pid: int) -> tuple[int, int] | None:
    found = process(pid)
    return (found.pid, found.start) if found is not None else None
