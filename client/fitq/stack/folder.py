"""The folder `.fitq/`: where each file of the local stack lies."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fitq_shared.errors import StackError
from fitq_shared.settings import STACK_FILE, STACK_FOLDER


@dataclass(frozen=True)
class StackFolder:
    """Owns every path below `.fitq/`, and keeps them private to the user."""

    project: Path

    @property
    def root(self) -> Path:
        """`.fitq/` itself."""
        return self.project / STACK_FOLDER

    @property
    def stack_file(self) -> Path:
        """Where Redis, the store and Flower are; there for as long as the stack is up."""
        return self.root / STACK_FILE

    @property
    def processes_file(self) -> Path:
        """The processes of the stack; there from the first one's start to the last one's end."""
        return self.root / "processes.json"

    @property
    def passwords_file(self) -> Path:
        """The passwords, which outlive `fitq down`."""
        return self.root / "secrets.json"

    @property
    def ports_file(self) -> Path:
        """The ports of the last time, which outlive `fitq down`."""
        return self.root / "ports.json"

    @property
    def lock_file(self) -> Path:
        """Held while `fitq up` or `fitq down` is at work."""
        return self.root / "lock"

    @property
    def supervisor_conf(self) -> Path:
        """What supervisord is told."""
        return self.root / "supervisord.conf"

    @property
    def redis(self) -> Path:
        """Redis's folder: its configuration and its append-only file."""
        return self.root / "redis"

    @property
    def flower(self) -> Path:
        """Flower's folder: its database."""
        return self.root / "flower"

    @property
    def workers(self) -> Path:
        """The folder that workers run in."""
        return self.root / "workers"

    @property
    def volume(self) -> Path:
        """The artifact store."""
        return self.root / "volume"

    @property
    def logs(self) -> Path:
        """The logs, one a program."""
        return self.root / "logs"

    def log(self, program: str) -> Path:
        """The log of one program."""
        return self.logs / f"{program}.log"

    def make(self) -> None:
        """Make what is missing, open to nobody but the user."""
        try:
            for folder in (
                self.root,
                self.redis,
                self.flower,
                self.workers,
                self.volume,
                self.logs,
            ):
                folder.mkdir(mode=0o700, exist_ok=True)
                folder.chmod(0o700)
            ignore = self.root / ".gitignore"
            if not ignore.exists():
                write_private(ignore, "*\n")
        except OSError as error:
            raise StackError(
                f"{self.root} cannot be made: {error.strerror}",
                "run `fitq up` in a folder that you may write to",
            ) from error


def write_private(file: Path, text: str) -> None:
    """Write the file at once or not at all, readable by its owner only (mode 0600)."""
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_json(file: Path, content: Mapping[str, Any]) -> None:
    """Write the file privately, as JSON."""
    write_private(file, json.dumps(content, indent=2) + "\n")


def read_json(file: Path) -> dict[str, Any]:
    """What the file says; empty if it isn't there or is no JSON object.

    Raises:
        StackError: it is there but cannot be read.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    except OSError as error:
        raise StackError(
            f"{file} cannot be read: {error.strerror}", f"see whose {file.parent} is"
        ) from error
    return content if isinstance(content, dict) else {}
