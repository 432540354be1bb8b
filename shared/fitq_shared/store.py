"""The artifact store: a folder or any fsspec URL that holds everything large.

jobs/<job id>/attempt-<n>/     artifacts of one attempt (see attempt_folder.py)
datasets/<name>/               cached data sets
datasets/registered/<name>/    versions of data sets that users have registered (see datasets.py)
blobs/<aa>/<sha256>            what these are made of
inputs/<sha256>.npz            arrays given to `fitq predict`
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import fsspec

from fitq_shared.errors import FitqError, StoreError
from fitq_shared.settings import hide_password
from fitq_shared.texts import shown

MARK = ".fitq-volume-"
LONGEST_NAME = 200
LONGEST_PATH = 1000


@dataclass(frozen=True)
class StoredFile:
    """A file below a folder: its path from there, its size in bytes, and when it was written.

    `modified` is in seconds since the epoch by the store's clock; None when it does not say.
    """

    path: str
    size: int
    modified: float | None


# What a disk or a network file system answers when it is full, read-only, broken or away.
STORAGE_FAULTS = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO),
    *(errno.ESTALE, errno.ENODEV, errno.ENOTCONN, errno.ETIMEDOUT, errno.EHOSTDOWN),
)

_OBJECT_STORES = {"s3", "s3a", "gs", "gcs", "abfs", "az"}


class Store:
    """Files under one root, addressed by paths relative to it.

    Args:
        url: a folder, a WebDAV server (see webdav.py), or a URL that fsspec knows
            (`s3://bucket/prefix`, ...).
        mark: the name of a file in its root, as `marked` gives it: without it this is another
            volume, or none, and nothing is written.

    Raises:
        StoreError: from every method, when the store cannot be read or written.
    """

    def __init__(self, url: str, mark: str = "") -> None:
        self.url = url
        self._mark = mark
        try:
            self._fs, root = self._open(url)
        except (ImportError, ValueError, OSError) as error:
            raise StoreError(
                f"the store {self.shown_url!r} cannot be opened: {error}",
                "check FITQ_STORE or --store",
            ) from error
        self._root = root.rstrip("/")
        self._start = "" if self._is_webdav else f"{self._root}/"

    @property
    def shown_url(self) -> str:
        """The folder or URL with its password hidden, fit to print."""
        return hide_password(self.url)

    @property
    def folder(self) -> Path | None:
        """The root as a local folder, or None when the store is elsewhere."""
        return Path(self._root) if "file" in _protocols(self._fs) else None

    def locate(self, path: str) -> str:
        """Where a person finds this path: a local path, or a URL."""
        full = self._full(path)
        if self._is_webdav:
            return f"{self.shown_url.rstrip('/')}/{full}"
        return str(Path(full)) if self.folder else str(self._fs.unstrip_protocol(full))

    def marked(self) -> str:
        """The name of the file that tells this volume from all others, made if there is none.

        Volumes may be made anew, or not be mounted: then their place looks like an empty one.
        """
        with self._reporting("read", ""):
            names = [str(path).rpartition("/")[2] for path in self._fs.ls(self._root, detail=False)]
        marks = sorted(name for name in names if name.startswith(MARK))
        if not marks:
            marks = [MARK + uuid.uuid4().hex]
            self.write(marks[0], b"")
        return marks[0]

    @property
    def is_there(self) -> bool:
        """Whether this is the volume that was marked; True where none was."""
        return not self._mark or bool(self._fs.exists(f"{self._root}/{self._mark}"))

    def make_folder(self, path: str) -> None:
        """Make a folder, and those above it, where they are not there."""
        full = self._full(path)
        with self._reporting("make the folder", path):
            self._check_mark()
            self._fs.makedirs(full, exist_ok=True)

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
        if self.folder is None:
            yield io.BytesIO(self.read(path))
            return
        with self._reporting("read", path), self._fs.open(self._full(path), "rb") as file:
            yield file

    def files(self, path: str) -> list[str]:
        """The files below a folder, relative to it, sorted; empty when it is not there."""
        full = self._full(path).rstrip("/")
        with self._reporting("read", path):
            if not self._fs.exists(full):
                return []
            return sorted(str(name)[len(full) + 1 :] for name in self._fs.find(full))

    def details(self, path: str) -> list[StoredFile]:
        """As `files`, with the size and age of each."""
        full = self._full(path).rstrip("/")
        with self._reporting("read", path):
            if not self._fs.exists(full):
                return []
            found = self._fs.find(full, detail=True)
        return [
            StoredFile(name[len(full) + 1 :], int(info["size"] or 0), _modified(info))
            for name, info in sorted(found.items())
        ]

    def modified(self, path: str) -> float | None:
        """When a file was written, as in StoredFile; None, too, when it is not there."""
        full = self._full(path)
        with self._reporting("read", path):
            return _modified(self._fs.info(full)) if self._fs.exists(full) else None

    def size(self, path: str) -> int | None:
        """The size of a file in bytes; None when it is not there."""
        full = self._full(path)
        with self._reporting("read", path):
            return int(self._fs.info(full)["size"] or 0) if self._fs.exists(full) else None

    def create(self, path: str, content: bytes) -> bool:
        """As `write`, but only where nothing is: False, and nothing changed, where something is.

        Of several that do so at once one succeeds, on a local folder, WebDAV and S3.
        """
        try:
            with self._writing(path, replace=False) as part:
                if part == self._full(path):
                    self._fs.pipe_file(part, content, mode="create")
                else:
                    self._fs.pipe_file(part, content)
        except StoreError as error:
            if isinstance(error.__cause__, FileExistsError):
                return False
            raise
        return True

    def write(self, path: str, content: bytes) -> None:
        """Write one file whole: readers see the old content or the new, never a part.

        Through WebDAV a file that is replaced may for a moment not be there at all.
        """
        with self._writing(path) as part:
            self._fs.pipe_file(part, content)

    def upload(self, source: Path, path: str) -> None:
        """As `write`, from a local file, in pieces."""
        with self._writing(path) as part:
            self._fs.put_file(str(source), part)

    @contextlib.contextmanager
    def _writing(self, path: str, *, replace: bool = True) -> Iterator[str]:
        """The name to write to: when the block has ended, the whole file is at `path`.

        Unless it may replace what is there, FileExistsError where something is.
        """
        full = self._full(path)
        with self._reporting("write", path):
            self._check_mark()
            if _OBJECT_STORES & set(_protocols(self._fs)):
                # There a file appears when its last byte has come, and moving one copies it.
                yield full
                return
            self._fs.makedirs(full.rpartition("/")[0], exist_ok=True)
            part = f"{full}.{uuid.uuid4().hex[:8]}.part"
            try:
                yield part
                self._move(part, full, replace=replace)
            except BaseException:
                with contextlib.suppress(Exception):
                    self._fs.rm_file(part)
                raise

    def _move(self, part: str, full: str, *, replace: bool) -> None:
        if self.folder and replace:
            os.replace(part, full)  # noqa: PTH105 - atomic on one file system
        elif self.folder:
            os.link(part, full)
            self._fs.rm_file(part)
        elif replace:
            self._fs.mv(part, full)
        elif self._is_webdav:
            self._fs.mv_new(part, full)
        elif self._fs.exists(full):
            raise FileExistsError(full)
        else:
            self._fs.mv(part, full)

    def remove(self, path: str) -> None:
        """Remove one file."""
        with self._reporting("remove", path):
            self._fs.rm_file(self._full(path))

    def remove_tree(self, path: str) -> None:
        """Remove a file, or a folder with all that is in it; nothing to do when it is not there."""
        full = self._full(path).rstrip("/")
        if full == self._root:
            raise StoreError("the root of a store is never removed", "name what is in it")
        with self._reporting("remove", path):
            if not self._fs.exists(full):
                return
            try:
                self._fs.rm(full, recursive=True)
            except ValueError as error:
                raise StoreError(f"cannot remove {path!r}: {error}", "leave that folder") from error

    def put(self, source: Path, path: str) -> None:
        """Keep a local file under this path, written anew even where it is there already.

        So it is new again: `fitq gc` removes inputs that are old and that no job refers to.
        """
        with self._reporting("read", str(source)):
            content = source.read_bytes()
        self.write(path, content)

    def _full(self, path: str) -> str:
        parts = path.split("/") if path else []
        if {"", ".", ".."} & {*parts} or "\\" in path or not path.isprintable():
            raise StoreError(
                f"the path {shown(path)} leaves the store, or hides something",
                "give a path inside the store, without control characters",
            )
        if max(map(len, parts), default=0) > LONGEST_NAME or len(path) > LONGEST_PATH:
            raise StoreError(
                f"the path {shown(path)} is too long: {len(path)} letters",
                f"give names of at most {LONGEST_NAME} letters",
            )
        return f"{self._start}{path}"

    @property
    def _is_webdav(self) -> bool:
        return self.url.startswith("webdav+")

    def _open(self, url: str) -> tuple[Any, str]:
        """The file system, and where its root is."""
        if not self._is_webdav:
            filesystem, root = fsspec.core.url_to_fs(url)
            return filesystem, str(root)
        try:
            from fitq_shared.webdav import WebdavFolder  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise ImportError(f"{error}; it comes with pip install 'fitq[webdav]'") from error
        return WebdavFolder(url), ""

    def _check_mark(self) -> None:
        if not self.is_there:
            raise OSError(errno.ENODEV, "the volume is not mounted")

    @contextlib.contextmanager
    def _reporting(self, verb: str, path: str) -> Iterator[None]:
        try:
            yield
        except FitqError:
            raise
        except Exception as error:
            # The libraries for stores elsewhere have errors of their own.
            if self.folder is not None and not isinstance(error, OSError):
                raise
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise StoreError(
                f"cannot {verb} {path!r} in the store {self.shown_url!r}: {reason}",
                "check that the folder exists, has space, and belongs to the user who runs this"
                if self.folder is not None
                else "check address and login in FITQ_STORE, and that its server runs",
                passing=self._may_pass(error),
            ) from error

    def _may_pass(self, error: Exception) -> bool:
        """Whether the storage failed or has gone, rather than what was asked of it."""
        if self.folder is None:
            return not isinstance(error, (FileNotFoundError, PermissionError, ValueError))
        if not self.is_there:
            return True
        if isinstance(error, FileNotFoundError):
            return not self._fs.exists(self._root)
        return isinstance(error, OSError) and error.errno in STORAGE_FAULTS


def _protocols(filesystem: Any) -> tuple[str, ...]:
    protocol = filesystem.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


# What fsspec's file systems call the time of the last change: it is not the same for all.
_MODIFIED = ("mtime", "LastModified", "last_modified", "modified", "updated", "created")


def _modified(info: Mapping[str, Any]) -> float | None:
    value = next((info[name] for name in _MODIFIED if info.get(name) is not None), None)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return value.timestamp() if isinstance(value, datetime) else value
