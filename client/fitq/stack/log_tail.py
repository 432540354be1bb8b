"""The end of a log, to quote when its program fails."""

from __future__ import annotations

from pathlib import Path

MOST_BYTES = 64 * 1024


def last_lines(file: Path, since: int = 0, count: int = 20) -> list[str]:
    """The last lines that were written after this many bytes; empty if there are none."""
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            # A log that is shorter than before has been rotated: all of it is new.
            stream.seek(max(size - MOST_BYTES, since if since <= size else 0))
            content = stream.read()
    except OSError:
        return []
    lines = content.decode(errors="replace").splitlines()
    return [line.rstrip() for line in lines if line.strip()][-count:]


def size_of(file: Path) -> int:
    """How many bytes the log has now."""
    try:
        return file.stat().st_size
    except OSError:
        return 0
