"""Files of the user's that a job names: what the spec says of them, and what to upload."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fitq_shared.errors import InvalidInput, Mistake

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fitq.queue import Queue

LONGEST_NAME = 255
PIECE = 2**20


@dataclass(frozen=True)
class Upload:
    """One file: its values for an `InputFile` of a spec, and where its content is."""

    path: str
    sha256: str
    file: str
    content: Path | bytes

    @property
    def values(self) -> dict[str, Any]:
        """As a spec has it."""
        return {"path": self.path, "sha256": self.sha256, "file": self.file}


def of_file(file: Path, where: str, suffix: str = "") -> Upload:
    """A file on this disk.

    Args:
        where: what named it, for messages.
        suffix: how its name in the store ends; by default as its own.

    Raises:
        InvalidInput: it cannot be read.
    """
    sum_ = hashlib.sha256()
    try:
        with file.open("rb") as content:
            while piece := content.read(PIECE):
                sum_.update(piece)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidInput([Mistake(where, str(file), f"a file ({reason})")]) from None
    return _upload(sum_.hexdigest(), suffix or file.suffix, file.name, file)


def of_bytes(content: bytes, name: str, suffix: str) -> Upload:
    """Content that lies in no file."""
    return _upload(hashlib.sha256(content).hexdigest(), suffix, name, content)


def upload_all(client: Queue, uploads: Iterable[Upload]) -> None:
    """Put them into the store, where they are not there yet.

    Raises:
        StoreError: this client has no store, or cannot write it.
    """
    for upload in uploads:
        client.artifacts.upload(upload.content, upload.path)


def _upload(sum_: str, suffix: str, name: str, content: Path | bytes) -> Upload:
    return Upload(f"inputs/{sum_}{suffix}", sum_, name[-LONGEST_NAME:], content)
