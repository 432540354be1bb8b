"""The columns of a data set as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fitq_shared.dataset_manifest import Column

SHOWN_CLASSES = 8


def print_columns(columns: Sequence[Column]) -> None:
    """Print a row for each; nothing where there are none."""
    from fitq.tables import print_table

    if columns:
        print_table(
            ["column", "type", "role", "values"],
            [_row(column) for column in columns],
            fold={"type": 10, "values": 16},
        )


def _row(column: Column) -> list[str]:
    kind: str = column.type or "as in the file"
    if column.shape is not None:
        dims = " × ".join(map(str, column.shape))
        kind += f", {column.dtype}" + (f" {dims}" if dims else "") if column.dtype else f" × {dims}"
    return [column.name, kind, column.role, _values(column)]


def _values(column: Column) -> str:
    parts = []
    if column.classes is not None:
        few = ", ".join(column.classes[:SHOWN_CLASSES])
        more = ", …" if len(column.classes) > SHOWN_CLASSES else ""
        parts.append(f"{len(column.classes)} classes: {few}{more}")
    if column.format:
        parts.append(f"like {column.format}")
    if column.may_miss:
        parts.append("some may be missing")
    return "; ".join(parts)
