"""The worker's own copies of data sets, and what was worked out from them, on the local disk.

An entry is a folder that is there whole or not at all. Whoever uses one holds a shared lock on it,
so that none of the workers that share the cache takes it away; when the cache is over its size,
those that were used the longest ago go first.

<FITQ_CACHE>/entries/<name>/    whole entries; the time of the folder is when it was last used
<FITQ_CACHE>/parts/<name>/      what is being filled; a worker that comes later goes on with it
<FITQ_CACHE>/locks/<name>       empty files
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fitq_shared.errors import InvalidInput, Mistake, StoreError
from fitq_shared.sizes import A_SIZE, bytes_of, gib
from fitq_shared.store import STORAGE_FAULTS

log = logging.getLogger(__name__)

FOLDER_VARIABLE = "FITQ_CACHE"
SIZE_VARIABLE = "FITQ_CACHE_BYTES"
DEFAULT_SIZE = 50 * 2**30
SMALLEST_SIZE = 2**20
LOOK_SECONDS = 0.2
_NAME = re.compile(r"[A-Za-z0-9._-]{1,120}")

Fill = Callable[[Path], None]


@dataclass(frozen=True)
class Entry:
    """A whole entry. It stays as long as this object, or one made from it with `hold`, lives.

    Attributes:
        path: its folder.
    """

    path: Path
    hold: IO[bytes]


class DiskCache:
    """Entries by name, shared by the workers of one host.

    Args:
        folder: where they are; made when it is first needed.
        limit: how many bytes they may take together. What is in use stays, whatever its size.
    """

    def __init__(self, folder: Path, limit: int = DEFAULT_SIZE) -> None:
        self.folder = folder
        self.limit = limit

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> DiskCache:
        """The cache that FITQ_CACHE and FITQ_CACHE_BYTES name, else `fitq` in the user's cache.

        Raises:
            InvalidInput: FITQ_CACHE_BYTES is no size.
        """
        environ = os.environ if environ is None else environ
        named = environ.get(FOLDER_VARIABLE)
        return cls(Path(named) if named else _default_folder(environ), _limit(environ))

    def entry(self, name: str, fill: Fill, obey: Callable[[], None] = lambda: None) -> Entry:
        """The entry of this name, filled if it is not there.

        Of several workers that need it one fills it, and the others wait. What `fill` leaves when
        it fails is there for the next one that fills.

        Args:
            name: letters, digits, dots and dashes, with the hash of what it depends on in it.
            fill: writes the entry's files into the folder that it is given.
            obey: called while another worker fills it; what it raises ends the waiting.

        Raises:
            StoreError: the cache's folder cannot be written, or its disk is full.
            Exception: what `fill` raises.
        """
        if not _NAME.fullmatch(name) or name.startswith("."):
            raise ValueError(f"no name of an entry: {name!r}")
        whole = self.folder / "entries" / name
        with self._reporting():
            lock = self._open_lock(name)
        # Closed here, not when it is collected: whoever keeps the error would keep the lock.
        with contextlib.ExitStack() as closing:
            closing.enter_context(lock)
            while True:
                with self._reporting():
                    _wait(lock, fcntl.LOCK_SH, obey)
                    if whole.is_dir():
                        os.utime(whole)
                        closing.pop_all()
                        return Entry(whole, lock)
                    _wait(lock, fcntl.LOCK_EX, obey)
                # Between the two locks another may have filled it.
                if not whole.is_dir():
                    self._fill(whole, fill)

    def forget(self, entry: Entry) -> None:
        """Take an entry away that was found to be damaged, unless another worker uses it.

        The entry is not to be used after that.
        """
        if _locked(entry.hold, fcntl.LOCK_EX | fcntl.LOCK_NB):
            log.warning("%s is damaged, and is made anew", entry.path)
            shutil.rmtree(entry.path, ignore_errors=True)
        entry.hold.close()

    def _fill(self, whole: Path, fill: Fill) -> None:
        part = self.folder / "parts" / whole.name
        with self._reporting():
            part.mkdir(parents=True, exist_ok=True)
        try:
            fill(part)
        except OSError as error:
            if error.errno in STORAGE_FAULTS:
                raise self._unusable(error) from error
            raise
        with self._reporting():
            whole.parent.mkdir(parents=True, exist_ok=True)
            part.rename(whole)
            self._make_room(whole.name)

    def _make_room(self, newest: str) -> None:
        """Remove what was used the longest ago, and nobody uses, until the rest is small enough."""
        found = [
            (path.stat().st_mtime, path, _size(path))
            for kind in ("entries", "parts")
            for path in _folders(self.folder / kind)
        ]
        total = sum(size for _, _, size in found)
        for _, path, size in sorted(found):
            if total <= self.limit:
                return
            if path.name != newest and self._remove(path):
                log.info("the cache is over %s: %s is removed", gib(self.limit), path.name)
                total -= size

    def _remove(self, path: Path) -> bool:
        with self._open_lock(path.name) as lock:
            if not _locked(lock, fcntl.LOCK_EX | fcntl.LOCK_NB):
                return False
            shutil.rmtree(path, ignore_errors=True)
            return not path.exists()

    def _open_lock(self, name: str) -> IO[bytes]:
        path = self.folder / "locks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab")

    @contextlib.contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> StoreError:
        return StoreError(
            f"the worker's cache {self.folder} cannot be used: {error.strerror or error}",
            f"make room there, or name another folder in {FOLDER_VARIABLE}",
            passing=True,
        )


def _wait(lock: IO[bytes], kind: int, obey: Callable[[], None]) -> None:
    while not _locked(lock, kind | fcntl.LOCK_NB):
        obey()
        time.sleep(LOOK_SECONDS)


def _locked(lock: IO[bytes], kind: int) -> bool:
    try:
        fcntl.flock(lock, kind)
    except BlockingIOError:
        return False
    return True


def _folders(parent: Path) -> list[Path]:
    with contextlib.suppress(FileNotFoundError):
        return [path for path in parent.iterdir() if path.is_dir()]
    return []


def _size(folder: Path) -> int:
    """The bytes below a folder; another worker may be taking files away meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            total += path.lstat().st_size
    return total


def _default_folder(environ: Mapping[str, str]) -> Path:
    home = environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    if os.access(home, os.W_OK) or os.access(Path(home).parent, os.W_OK):
        return Path(home) / "fitq"
    return Path(tempfile.gettempdir()) / f"fitq-cache-{os.getuid()}"


def _limit(environ: Mapping[str, str]) -> int:
    text = environ.get(SIZE_VARIABLE)
    if not text:
        return DEFAULT_SIZE
    try:
        size = int(text) if text.isdecimal() else bytes_of(text)
    except ValueError:
        raise InvalidInput([Mistake(SIZE_VARIABLE, text, A_SIZE)]) from None
    if size < SMALLEST_SIZE:
        raise InvalidInput([Mistake(SIZE_VARIABLE, text, f"{A_SIZE}, of at least 1MiB")])
    return size
