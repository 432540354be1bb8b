"""What a worker makes of a registered data set, once: columns in its cache."""

from __future__ import annotations

import json
from pathlib import Path

from fitq_shared.datasets import read_manifest
from fitq_shared.specs.datasets import DatasetRef
from fitq_shared.store import Store
from fitq_worker.datasets.column_files import write_index
from fitq_worker.datasets.disk_cache import DiskCache, Entry
from fitq_worker.datasets.formats import FORMATS
from fitq_worker.datasets.source import Obey, RegisteredFiles, RunCode, nothing_to_obey

SEAL = "sizes.json"
PREPARED = "data-1"
"""Goes up when what is prepared changes its form."""


def prepare(
    ref: DatasetRef, store: Store, run_code: RunCode | None, obey: Obey = nothing_to_obey
) -> Entry:
    """The columns of a data set, made anew if its files are not as they were written.

    Args:
        run_code: runs the code of data that code makes.
        obey: called now and then; what it raises ends the preparing, and the next goes on.

    Raises:
        BadJob: its files are not what they are said to be.
        StoreError: the store or the cache cannot be used, or the data is damaged there.
    """
    files = RegisteredFiles(store, ref, read_manifest(store, ref), run_code, obey)

    def fill(folder: Path) -> None:
        write_index(folder, FORMATS[files.manifest.format](files, folder))
        _seal(folder)

    cache = DiskCache.from_environment()
    name = f"{PREPARED}-{ref.manifest}"
    entry = cache.entry(name, fill, obey)
    if not _is_sealed(entry.path):
        cache.forget(entry)
        entry = cache.entry(name, fill, obey)
    return entry


def _seal(folder: Path) -> None:
    """Note size and time of each file."""
    found = {
        path.relative_to(folder).as_posix(): [path.stat().st_size, path.stat().st_mtime_ns]
        for path in folder.rglob("*")
        if path.is_file()
    }
    (folder / SEAL).write_text(json.dumps(found), encoding="utf-8")


def _is_sealed(folder: Path) -> bool:
    """Whether all files are as they were noted."""
    try:
        noted = json.loads((folder / SEAL).read_text(encoding="utf-8"))
        found = {name: (folder / name).stat() for name in noted}
    except (OSError, ValueError):
        return False
    return all([stat.st_size, stat.st_mtime_ns] == noted[name] for name, stat in found.items())
