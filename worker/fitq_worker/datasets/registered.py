"""Registered data sets, read in any order of rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fitq_shared.dataset_manifest import Role
from fitq_shared.errors import BadJob
from fitq_shared.specs.base import Split
from fitq_shared.specs.datasets import DatasetRef
from fitq_shared.specs.mistakes import unknown_choice
from fitq_shared.specs.steps import Resize
from fitq_shared.store import Store
from fitq_worker.datasets.column_checks import check_columns, check_lengths
from fitq_worker.datasets.column_files import StoredColumn, read_index
from fitq_worker.datasets.columns import Table
from fitq_worker.datasets.prepared import prepare
from fitq_worker.datasets.source import Obey, RunCode, nothing_to_obey

Columns = Mapping[str, StoredColumn]


@dataclass(frozen=True)
class Choice:
    """Which columns a job wants, where it is not what the data set says.

    Attributes:
        inputs: names; None for those that the data set declares, without the targets.
        targets: names; None for those that the data set declares. One may be an input, too.
        resize: the size to bring images to that have several.
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
    obey: Obey = nothing_to_obey,
) -> Table:
    """One split of a registered data set.

    The first job on a host fetches and prepares the data, which may take a while; later ones map
    what is there. The values are checked: see `Raises`.

    Args:
        run_code: runs the code of data that code makes: JobContext.data_code.
        obey: called now and then while data is prepared; what it raises ends that.

    Raises:
        BadJob: the data set has no such split or column, its files are not what they are said to
            be, or a column has values that nothing can be learned from; names all of these.
        StoreError: the store or the cache cannot be used, or the data is damaged there.
    """
    choice = choice or Choice()
    entry = prepare(ref, store, run_code, obey)
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
