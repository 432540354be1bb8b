"""Parquet files: their columns are looked at where pyarrow is installed, else on the worker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fitq.data.places import Place, files_of
from fitq.data.roles import role_of
from fitq.data.source import Declared, LocalFile, Source, end_of, listed, unreadable
from fitq_shared.dataset_manifest import MOST_CLASSES, Column, ColumnType
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.specs.base import Split
from fitq_shared.texts import printable, shown

_MAGIC = b"PAR1"


def look_through(places: Sequence[Place], declared: Declared) -> Source:
    """Look at the files, and at their columns if that is possible here.

    Raises:
        InvalidInput: names every mistake: what is no Parquet, columns that differ or cannot be
            learned from, and what was declared and is not there.
    """
    files = files_of(places)
    wrong = [
        Mistake("PATH", end_of(file.path), "a whole Parquet file, which begins and ends with PAR1")
        for file in files
        if not _is_parquet(file.path)
    ]
    wrong += [
        Mistake(f"--type {name}", kind, "number, category, text or date, which Parquet can hold")
        for name, kind in declared.types.items()
        if kind in ("image", "array")
    ]
    if wrong:
        raise InvalidInput(wrong)
    try:
        from pyarrow import parquet
    except ImportError:
        return _as_declared(files, declared)
    return _as_found(files, declared, parquet)


def _is_parquet(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(4)
            if file.seek(0, 2) < 12:
                return False
            file.seek(-4, 2)
            return start == _MAGIC == file.read(4)
    except OSError as error:
        raise unreadable("PATH", path, error) from None


def _as_declared(files: Sequence[LocalFile], declared: Declared) -> Source:
    """What its owner says, since nobody can look here."""
    names = dict.fromkeys(
        [*declared.inputs, *declared.targets, *declared.types, *declared.may_miss]
    )
    columns = tuple(
        Column(
            name=name,
            type=declared.types.get(name),
            role=role_of(name, declared, declared.targets),
            may_miss=name in declared.may_miss and name not in declared.targets,
            format=declared.formats.get(name),
        )
        for name in names
    )
    note = "its columns are looked at on the worker; with pyarrow installed, here, before uploading"
    complete = bool(declared.inputs)
    return Source("parquet", tuple(files), columns, complete=complete, notes=(note,))


def _as_found(files: Sequence[LocalFile], declared: Declared, parquet: Any) -> Source:
    opened, mistakes, rows = [], [], dict[Split, int]()
    for file in files:
        try:
            opened.append(parquet.ParquetFile(file.path))
        except (OSError, ValueError) as error:  # pyarrow's own are of these
            found = printable(str(error), 200)
            mistakes.append(Mistake("PATH", end_of(file.path), f"a Parquet file: {found}"))
            continue
        split = file.split or "train"
        rows[split] = rows.get(split, 0) + opened[-1].metadata.num_rows
    if mistakes:
        raise InvalidInput(mistakes)
    schema = opened[0].schema_arrow
    for file, one in zip(files[1:], opened[1:], strict=True):
        if not one.schema_arrow.equals(schema):
            mistakes.append(Mistake("PATH", end_of(file.path), "columns and types as in the first"))
    mistakes += declared.unknown_columns(schema.names)
    if len({*schema.names}) != len(schema.names):
        twice = sorted({name for name in schema.names if schema.names.count(name) > 1})
        expected = f"columns of a name of their own; not {listed(map(shown, twice))}"
        mistakes.append(Mistake("PATH", end_of(files[0].path), expected))
    if mistakes:
        raise InvalidInput(mistakes)
    columns = []
    for field in schema:
        try:
            columns.append(_column(field, declared, opened))
        except InvalidInput as error:
            mistakes += error.mistakes
    if mistakes:
        raise InvalidInput(mistakes)
    return Source("parquet", tuple(files), tuple(columns), rows=rows)


def _column(field: Any, declared: Declared, opened: Sequence[Any]) -> Column:
    """A column by its type in the file.

    Raises:
        InvalidInput: it is nothing that can be learned from, and is to be used.
    """
    name = field.name
    role = role_of(name, declared, declared.targets)
    kind = declared.types.get(name) or _kind(field.type, is_target=role == "target")
    if kind is None and role != "unused":
        expected = "numbers, texts or dates; leave it out by naming the others with --input"
        raise InvalidInput([Mistake(f"column {name}", str(field.type), expected)])
    has_nulls = _has_nulls(name, opened)
    if has_nulls and role == "target":
        expected = "a value in each row, since it is a target"
        raise InvalidInput([Mistake(f"column {name}", "nulls", expected)])
    if has_nulls and declared.may_miss and name not in declared.may_miss:
        expected = f"a value in each row, or --may-miss {shown(name)}"
        raise InvalidInput([Mistake(f"column {name}", "nulls", expected)])
    classes = _classes(name, opened) if role == "target" and kind == "category" else None
    return Column(
        name=name,
        type=kind,
        role=role,
        may_miss=has_nulls or (name in declared.may_miss and role != "target"),
        format=declared.formats.get(name) if kind == "date" else None,
        classes=classes,
    )


def _kind(found: Any, *, is_target: bool) -> ColumnType | None:
    from pyarrow import types

    if types.is_boolean(found) or types.is_dictionary(found):
        return "category"
    if types.is_integer(found) or types.is_floating(found) or types.is_decimal(found):
        return "number"
    if types.is_date(found) or types.is_timestamp(found):
        return "date"
    if types.is_string(found) or types.is_large_string(found):
        return "category" if is_target else "text"
    return None


def _has_nulls(name: str, opened: Sequence[Any]) -> bool:
    return any(part.null_count for part in _parts(name, opened))


def _parts(name: str, opened: Sequence[Any]) -> Iterator[Any]:
    for file in opened:
        for batch in file.iter_batches(columns=[name]):
            yield batch.column(0)


def _classes(name: str, opened: Sequence[Any]) -> tuple[str, ...]:
    values: dict[Any, str] = {}
    for part in _parts(name, opened):
        for value in part.unique().to_pylist():
            # As the worker reads them: text without spaces around it.
            key = value.strip() if isinstance(value, str) else value
            values[key] = str(key)
        if len(values) > MOST_CLASSES:
            expected = f"at most {MOST_CLASSES:,} classes, or --type {name}=text"
            raise InvalidInput([Mistake(f"column {name}", "more", expected)])
    return tuple(values[value] for value in sorted(values))
