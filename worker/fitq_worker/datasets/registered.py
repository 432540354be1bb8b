"""Registered data sets: prepared once in the worker's cache, then read in any order of rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fitq_shared.dataset_manifest import Role
from fitq_shared.datasets import read_manifest
from fitq_shared.errors import BadJob
from fitq_shared.specs.base import Split
from fitq_shared.specs.datasets import DatasetRef
from fitq_shared.specs.mistakes import unknown_choice
from fitq_shared.specs.preprocessing import Resize
from fitq_shared.store import Store
from fitq_worker.datasets.column_checks import check_columns, check_lengths
from fitq_worker.datasets.column_files import StoredColumn, read_index, write_index
from fitq_worker.datasets.columns import Table
from fitq_worker.datasets.disk_cache import DiskCache, Entry
from fitq_worker.datasets.formats import FORMATS
from fitq_worker.datasets.source import RegisteredFiles, RunCode

SEAL = "sizes.json"
PREPARED = "data-1"
"""Goes up when what is prepared changes its form."""


Columns = Mapping[str, StoredColumn]


@dataclass(frozen=True)
class Choice:
    """Which columns a job wants, where it is not what the data set says.

    Attributes:
        inputs: names; None for those that the data set declares, without the targets.
        targets: names; None for those that the data set declares. One may be an input, too.
        resize: the size to bring images to; None leaves them as they are, all of one size.
    """

    inputs: Sequence[str] | None = None
    targets: Sequence[str] | None = None
    resize: Resize | None = None


def load_registered(
    ref: DatasetRef,
    store: Store,
    split: Split,
    choice: Choice | None = None,
    run_code: RunCode | None = None,
) -> Table:
    """One split of a registered data set.

    The first job on a host fetches and prepares the data, which may take a while; later ones map
    what is there. The values are checked: see `Raises`.

    Args:
        run_code: runs the code of data that code makes: JobContext.data_code.

    Raises:
        BadJob: the data set has no such split or column, its files are not what they are said to
            be, or a column has values that nothing can be learned from; names all of these.
        StoreError: the store or the cache cannot be used, or the data is damaged there.
    """
    choice = choice or Choice()
    files = RegisteredFiles(store, ref, read_manifest(store, ref), run_code)
    entry = _prepared(files, DiskCache.from_environment())
    columns = _of_split(read_index(entry.path), split, ref)
    targets = _chosen("target", choice.targets, columns)
    inputs = _chosen("input", choice.inputs, columns, leave_out=() if choice.inputs else targets)
    resize = choice.resize
    check_columns(str(ref), [columns[n] for n in inputs], [columns[n] for n in targets], resize)
    table = Table(
        {name: columns[name].open(entry.path, as_names=True, resize=resize) for name in inputs},
        {name: columns[name].open(entry.path, resize=resize) for name in targets},
        hold=entry,
    )
    check_lengths(str(ref), split, table)
    return table


def _of_split(columns: Iterable[StoredColumn], split: Split, ref: DatasetRef) -> Columns:
    found = {column.name: column for column in columns if column.split == split}
    if not found:
        others = sorted({column.split for column in columns})
        raise BadJob(
            f"the data set {ref} has no split {split!r}: it has {', '.join(others)}",
            "choose one that is there, or register the data with files or arrays for that split",
        )
    return found


def _chosen(
    role: Role, names: Sequence[str] | None, columns: Columns, leave_out: Sequence[str] = ()
) -> list[str]:
    """The columns that a job names, or those that have the role in the data set."""
    if names is None:
        return [c.name for c in columns.values() if c.role == role and c.name not in leave_out]
    if unknown := [name for name in names if name not in columns]:
        mistake = unknown_choice(role, unknown[0], sorted(columns))
        raise BadJob(str(mistake), "`fitq datasets show` names the columns")
    return list(names)


def _prepared(files: RegisteredFiles, cache: DiskCache) -> Entry:
    """The entry of the data set, prepared anew if its files are not as they were written."""

    def fill(folder: Path) -> None:
        write_index(folder, FORMATS[files.manifest.format](files, folder))
        _seal(folder)

    name = f"{PREPARED}-{files.ref.manifest}"
    entry = cache.entry(name, fill)
    if not _is_sealed(entry.path):
        cache.forget(entry)
        entry = cache.entry(name, fill)
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
