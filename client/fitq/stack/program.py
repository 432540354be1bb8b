"""One program that supervisor starts, restarts and stops."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """What supervisor has to know of a program.

    Args:
        command: the program and its arguments; no secrets, since every user can read them.
        folder: where it runs.
        environment: its own variables, in plain characters (supervisor knows no escapes).
        stop_seconds: after SIGTERM to the program alone, how long until SIGKILL to its group.
        start_seconds: a program that ends sooner counts as failed to start.
        start_retries: how often it is started again, ever more slowly, before it is given up.
        stop_order: the lowest stops first; those of one group stop together.
        may_leave: whether it stays away once it has ended by itself, without an error.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    stop_order: int
    stop_seconds: int
    start_seconds: int = 2
    start_retries: int = 10
    group: str = ""
    may_leave: bool = False
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """The name by which supervisor is asked about it."""
        return f"{self.group or self.name}:{self.name}"
