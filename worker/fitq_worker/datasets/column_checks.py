"""What keeps columns from being learned from: found when they were prepared, told when used."""

from __future__ import annotations

from collections.abc import Sequence

from fitq_shared.errors import BadJob
from fitq_shared.specs.base import Split
from fitq_shared.specs.steps import Resize
from fitq_shared.texts import shown
from fitq_worker.datasets.column_files import Noted, StoredColumn
from fitq_worker.datasets.columns import Table


def check_columns(
    name: str,
    inputs: Sequence[StoredColumn],
    targets: Sequence[StoredColumn],
    resize: Resize | None = None,
) -> None:
    """See that columns hold nothing but values that a model can be given, and learn.

    Args:
        name: of the data set.
        resize: the size that its images are brought to if they have several.

    Raises:
        BadJob: there are values of another type, NaN or infinite ones that are not declared as
            missing, targets that are missing, or images of several sizes. Names all columns, and
            the first rows, from 0.
    """
    found: list[str] = []
    for column in dict.fromkeys([*inputs, *targets]):
        found += column.faults
        if column.odd.count:
            found.append(f"{_of(column)} that are NaN or infinite: {_rows(column.odd)}")
    for column in targets:
        if column.missing.count:
            found.append(
                f"{_of(column)} that are missing, but is a target: {_rows(column.missing)}"
            )
    sized = [column for column in inputs if column.sizes and resize is None]
    sizes = [f"the images have several sizes: {column.sizes}" for column in sized]
    if sizes and not found:
        steps = " ".join(f"--preprocess {one.name}=resize:height=64,width=64" for one in sized)
        raise BadJob(
            f"the data set {name} cannot be used as it is:\n" + "\n".join(sizes),
            f"bring them to one size: {steps}",
        )
    found += sizes
    if found:
        raise BadJob(
            f"the data set {name} cannot be used:\n" + "\n".join(found),
            "correct these values, leave the column out, or register the data set again with what "
            "they are: which values are missing, or another type of the column",
        )


def check_lengths(name: str, split: Split, table: Table) -> None:
    """See that all columns have equally many rows, and at least one.

    Args:
        name: of the data set.

    Raises:
        BadJob: they do not; names the columns with their rows.
    """
    lengths = {key: len(c) for key, c in (table.input_columns | table.target_columns).items()}
    if len({*lengths.values()}) > 1:
        raise BadJob(
            f"the {split} split of the data set {name} has columns of several lengths: "
            + ", ".join(f"{key} has {rows:,} rows" for key, rows in lengths.items()),
            "give each input and each target the same rows, and register the data set again",
        )
    if not len(table):
        raise BadJob(
            f"the {split} split of the data set {name} has no rows",
            "register the data set again with some",
        )


def _of(column: StoredColumn) -> str:
    return f"{shown(column.name)} of the {column.split} split has values"


def _rows(noted: Noted) -> str:
    more = noted.count - len(noted.rows)
    rows = ", ".join(f"{row:,}" for row in noted.rows)
    return f"row{'s' if noted.count > 1 else ''} {rows}" + (f" and {more:,} more" if more else "")
