"""The artifact store: a folder or any fsspec URL that holds everything large.

jobs/<job id>/attempt-<n>/     artifacts of one attempt (see attempt_folder.py)
datasets/<name>/               cached data sets
inputs/<sha256>.npz            arrays given to `fitq predict`
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import fsspec

from fitq_shared.errors import StoreError


class Store:
    """Files under one root, addressed by paths relative to it.

    Args:
        url: a folder, or a URL that fsspec knows (`s3://bucket/prefix`, ...).

    Raises:
        StoreError: from every method, when the store cannot be read or written.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self._fs, root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError, OSError) as error:
            raise StoreError(
                f"the store {url!r} cannot be opened: {error}", "check FITQ_STORE or --store"
            ) from error
        self._root = str(root).rstrip("/")

    @property
    def folder(self) -> Path | None:
        """The root as a local folder, or None when the store is elsewhere."""
        return Path(self._root) if "file" in _protocols(self._fs) else None

    def locate(self, path: str) -> str:
        """Where a person finds this path: a local path, or a URL."""
        folder = self.folder
        return str(folder / path) if folder else str(self._fs.unstrip_protocol(self._full(path)))

    def exists(self, path: str) -> bool:
        """Whether a file or folder is there."""
        with self._reporting("read", path):
            return bool(self._fs.exists(self._full(path)))

    def read(self, path: str) -> bytes:
        """The whole content of one file."""
        with self._reporting("read", path):
            return bytes(self._fs.cat_file(self._full(path)))

    @contextlib.contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        """One file, to be read in pieces."""
        with self._reporting("read", path), self._fs.open(self._full(path), "rb") as file:
            yield file

    def files(self, path: str) -> list[str]:
        """The files below a folder, relative to it, sorted; empty when it is not there."""
        full = self._full(path).rstrip("/")
        with self._reporting("read", path):
            if not self._fs.exists(full):
                return []
            return sorted(str(name)[len(full) + 1 :] for name in self._fs.find(full))

    def write(self, path: str, content: bytes) -> None:
        """Write one file whole: readers see the old content or the new, never a part."""
        full = self._full(path)
        with self._reporting("write", path):
            self._fs.makedirs(full.rpartition("/")[0], exist_ok=True)
            part = f"{full}.{uuid.uuid4().hex[:8]}.part"
            try:
                self._fs.pipe_file(part, content)
                if self.folder:
                    os.replace(part, full)  # noqa: PTH105 - atomic on one file system
                else:
                    self._fs.mv(part, full)
            except BaseException:
                with contextlib.suppress(OSError):
                    self._fs.rm_file(part)
                raise

    def remove(self, path: str) -> None:
        """Remove one file."""
        with self._reporting("remove", path):
            self._fs.rm_file(self._full(path))

    def put(self, source: Path, path: str) -> None:
        """Keep a local file under this path, unless it is there already."""
        with self._reporting("read", str(source)):
            content = source.read_bytes()
        if not self.exists(path):
            self.write(path, content)

    def _full(self, path: str) -> str:
        if path.startswith("/") or ".." in path.split("/"):
            raise StoreError(f"the path {path!r} leaves the store", "give a path inside the store")
        return f"{self._root}/{path}"

    @contextlib.contextmanager
    def _reporting(self, verb: str, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error) or type(error).__name__
            raise StoreError(
                f"cannot {verb} {path!r} in the store {self.url!r}: {reason}",
                "check that the folder exists, has space, and belongs to the user who runs this",
            ) from error


def _protocols(filesystem: Any) -> tuple[str, ...]:
    protocol = filesystem.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)
