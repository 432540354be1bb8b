"""NumPy's files, `.npz` and `.npy`: their headers are read, and the values of targets with classes.

A name says split and field: `x_train` is the field x of the training split; without such an
ending all rows are for training. What begins with x is an input and what begins with y, or is
called label or target, a target, unless its owner says otherwise.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from fitq.data.places import Place, files_of
from fitq.data.roles import role_of
from fitq.data.source import Declared, Source, end_of, listed, unreadable
from fitq_shared.archives import BadArchive, kind_of, open_archive
from fitq_shared.array_files import DAMAGE
from fitq_shared.dataset_manifest import MOST_CLASSES, Column, ColumnType, Format
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.specs.base import Split
from fitq_shared.texts import printable, shown

LARGEST_ARCHIVE = 2**40
PIECE = 2**20
# Whole numbers from 0 below this are the numbers of classes already.
MOST_CLASS_NUMBERS = 1000
_SPLIT_NAME = re.compile(r"(.+?)_(train|test)")
_TARGET = re.compile(r"y(_.+)?|(.+_)?(labels?|targets?)")


@dataclass(frozen=True)
class Array:
    """An array as its header says: its name, and how to read its values."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    values: Callable[[], Iterator[np.ndarray[Any, Any]]]

    @property
    def kind(self) -> str:
        """Its dtype as manifests name it; "str" for text of any length."""
        return "str" if self.dtype.kind == "U" else self.dtype.name


Fields = Mapping[str, Mapping[Split, Array]]


def look_through(places: tuple[Place, ...], declared: Declared) -> Source:
    """Look at all arrays.

    Raises:
        InvalidInput: names every mistake: damaged files, Python objects, lengths that differ,
            splits that do not go together, and what was declared and is not there.
    """
    files = files_of(places)
    if len(files) > 1 and files[0].path.suffix.lower() == ".npz":
        expected = "one .npz, whose arrays end in _train and _test where it has both"
        raise InvalidInput([Mistake("PATH", f"{len(files)} files", expected)])
    mistakes: list[Mistake] = []
    arrays: list[tuple[Split | None, Array]] = []
    with ExitStack() as stack:
        for file in files:
            try:
                for array in _arrays(file.path, file.name, stack):
                    arrays.append((file.split, array))
            except InvalidInput as error:
                mistakes += error.mistakes
        if mistakes:
            raise InvalidInput(mistakes)
        fields, notes = _by_field(arrays)
        _check(fields, declared)
        columns = tuple(_column(name, splits, declared, fields) for name, splits in fields.items())
    rows = {split: array.shape[0] for found in fields.values() for split, array in found.items()}
    form: Format = "npz" if files[0].path.suffix.lower() == ".npz" else "npy"
    return Source(form, tuple(files), columns, rows=rows, notes=tuple(notes))


def _arrays(path: Path, name: str, stack: ExitStack) -> Iterator[Array]:
    """The arrays of a file, which stays open as long as the stack.

    Raises:
        InvalidInput: it is none of NumPy's, damaged, or holds what is no number and no text.
    """
    try:
        file = stack.enter_context(path.open("rb"))
        start = file.read(8)
        file.seek(0)
        if path.suffix.lower() == ".npy":
            if not start.startswith(npy.MAGIC_PREFIX):
                raise _wrong(path, f"it is {kind_of(start) or 'something else'}")
            yield _array(lambda: path.open("rb"), path, name, path.stat().st_size)
            return
        archive = stack.enter_context(open_archive(file, LARGEST_ARCHIVE))
        for member in archive.infolist():
            if not member.filename.endswith(".npy"):
                raise _wrong(path, f"its member {shown(member.filename)} is no array")
            inner = member.filename.removesuffix(".npy")
            yield _array(lambda m=member: archive.open(m), path, inner, member.file_size)  # type: ignore[misc]
    except BadArchive as error:
        raise _wrong(path, str(error)) from error
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise unreadable("PATH", path, error) from None
        raise _wrong(path, f"it is damaged: {printable(str(error), 100)}") from error


def _array(opened: Callable[[], IO[bytes]], path: Path, name: str, size: int) -> Array:
    with opened() as file:
        shape, dtype = _header(file)
        begin = file.tell()
    what = shown(name)
    if dtype.hasobject:
        raise _wrong(path, f"{what} holds pickled Python objects, which can run code")
    if dtype.kind not in "biufU":
        raise _wrong(path, f"the dtype of {what} is {shown(str(dtype))}: no numbers and no text")
    if not shape or len(shape) > 8:
        raise _wrong(path, f"{what} has the shape {shape}: expected rows, of up to 7 dimensions")
    if begin + math.prod(shape) * dtype.itemsize != size:
        raise _wrong(path, f"{what} is truncated: its shape {shape} does not fit {size} bytes")

    def values() -> Iterator[np.ndarray[Any, Any]]:
        with opened() as file:
            _header(file)
            length = max(PIECE // max(dtype.itemsize, 1), 1) * dtype.itemsize
            while content := file.read(length):
                yield np.frombuffer(content, dtype)

    return Array(name, tuple(shape), dtype, values)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype


def _by_field(arrays: list[tuple[Split | None, Array]]) -> tuple[Fields, list[str]]:
    """The arrays of each field by their splits; and notes of those that were left out."""
    named = {array.name: _SPLIT_NAME.fullmatch(_stem(array)) for _, array in arrays}
    fields: dict[str, dict[Split, Array]] = defaultdict(dict)
    left_out, mistakes = [], []
    for of_place, array in arrays:
        found = named[array.name]
        if found:
            field, split = found[1], found[2]
        elif any(named.values()) and of_place is None:
            left_out.append(array.name)
            continue
        else:
            field, split = _stem(array), of_place or "train"
        if split in fields[field]:
            expected = f"one array for {split}; there are {array.name} and another"
            mistakes.append(Mistake(f"array {field}", array.name, expected))
        fields[field]["test" if split == "test" else "train"] = array
    if mistakes:
        raise InvalidInput(mistakes)
    rest = f"left out, since their names do not end in _train or _test: {listed(left_out)}"
    return fields, [rest] if left_out else []


def _stem(array: Array) -> str:
    """The name without folders and .npy: one of a file of its own is the file's path."""
    return array.name.rpartition("/")[2].removesuffix(".npy")


def _check(fields: Fields, declared: Declared) -> None:
    mistakes = declared.unknown_columns([*fields])
    splits = {split for found in fields.values() for split in found}
    for name, found in fields.items():
        mistakes += [
            Mistake(f"array {name}_{split}", None, f"an array, since others have {split} rows")
            for split in sorted(splits - found.keys())
        ]
        kinds = {(array.shape[1:], array.dtype.kind) for array in found.values()}
        if len(kinds) > 1:
            what = " and ".join(f"{a.kind} of {a.shape}" for a in found.values())
            mistakes.append(Mistake(f"array {name}", what, "rows alike in train and test"))
        kind = declared.types.get(name)
        texts = any(array.dtype.kind == "U" for array in found.values())
        if kind == "date" or (kind in ("number", "image", "array") and texts):
            holds = "texts" if texts else "numbers"
            mistakes.append(Mistake(f"--type {name}", kind, f"a type of an array of {holds}"))
    for split in sorted(splits):
        lengths = {name: f[split].shape[0] for name, f in fields.items() if split in f}
        if len({*lengths.values()}) > 1:
            found_ = listed(f"{name} has {count:,}" for name, count in lengths.items())
            mistakes.append(Mistake(f"{split} arrays", str(found_), "as many rows in each"))
        if not any(lengths.values()):
            mistakes.append(Mistake(f"{split} arrays", 0, "at least one row"))
    if mistakes:
        raise InvalidInput(mistakes)


def _column(name: str, found: Mapping[Split, Array], declared: Declared, fields: Fields) -> Column:
    guessed = [field for field in fields if _TARGET.fullmatch(field)]
    role = role_of(name, declared, declared.targets or guessed)
    first = next(iter(found.values()))
    kind: ColumnType = declared.types.get(name) or _guess(first, is_target=role == "target")
    classes = None
    if role == "target" and kind == "category":
        classes = _classes(name, found)
        if classes is None and name not in declared.types:
            kind = "number"
    return Column(
        name=name,
        type=kind,
        role=role,
        may_miss=name in declared.may_miss and role != "target",
        classes=classes,
        arrays={split: array.name for split, array in found.items()},
        shape=first.shape[1:],
        dtype=first.kind,
    )


def _guess(array: Array, *, is_target: bool) -> ColumnType:
    inner = array.shape[1:]
    if array.dtype.kind == "U":
        return "category" if is_target else "text"
    if not inner:
        return "category" if is_target and array.dtype.kind in "biu" else "number"
    is_image = len(inner) == 2 or (len(inner) == 3 and inner[-1] in (1, 3, 4))
    return "image" if is_image and array.dtype == np.uint8 else "array"


def _classes(name: str, found: Mapping[Split, Array]) -> tuple[str, ...] | None:
    """The values of a target as text, in order: see Column.classes. None where too many.

    Raises:
        InvalidInput: there are too many texts for classes.
    """
    values: dict[Any, str] = {}
    for array in found.values():
        for part in array.values():
            # As NumPy writes them: 0.1, and not the digits of its float32.
            values.update((value.item(), str(value)) for value in np.unique(part))
            if len(values) > MOST_CLASSES:
                if array.dtype.kind == "U":
                    expected = f"at most {MOST_CLASSES:,} classes, or --type {name}=text"
                    raise InvalidInput([Mistake(f"array {name}", "more", expected)])
                return None
    is_whole = all(isinstance(value, int) and not isinstance(value, bool) for value in values)
    if is_whole and min(values) >= 0 and max(values) < MOST_CLASS_NUMBERS:
        return tuple(map(str, range(max(values) + 1)))
    return tuple(values[value] for value in sorted(values))


def _wrong(path: Path, found: str) -> InvalidInput:
    expected = "a file of NumPy's, as numpy.savez or numpy.save write it"
    return InvalidInput([Mistake("PATH", end_of(path), f"{expected}: {found}")])
