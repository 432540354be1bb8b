"""What is in one version of a registered data set: its files, columns, splits and classes.

The manifest describes content only, so that its SHA-256 is the identity of the version: the same
files with the same declarations have the same sum, whoever registers them and when. All that it
says comes from a client, so a worker believes none of it without looking.

The bytes of all files, one after the other in the order of `files`, are one stream. `chunks` says
how that stream is cut; each piece lies in the store under its own sum (see chunk_path), so that
versions share what they have in common, and many small files are few pieces.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, ValidationError, model_validator

from fitq_shared.errors import StoreError
from fitq_shared.specs.base import Sha256, Spec, Split, canonical_json
from fitq_shared.specs.code import MOST_OPTIONS, Module, Plain
from fitq_shared.specs.code import Name as Function
from fitq_shared.texts import shown

MOST_MANIFEST_BYTES = 128 * 2**20
MOST_FILES = 500_000
MOST_CHUNKS = 500_000
MOST_COLUMNS = 10_000
MOST_CLASSES = 10_000
LONGEST_CHUNK = 16 * 2**20

Format = Literal["npz", "npy", "csv", "parquet", "images", "texts", "code"]
ColumnType = Literal["number", "category", "text", "date", "image", "array"]
Role = Literal["input", "target", "unused"]


def _prints(text: str) -> str:
    if not text.isprintable():
        raise ValueError("text without control characters, line breaks or hidden marks")
    return text


def _stays_inside(path: str) -> str:
    if {"", ".", ".."} & {*path.split("/")} or "\\" in path or ":" in path.partition("/")[0]:
        raise ValueError("a relative path, with '/' between its parts and without '..'")
    return _prints(path)


Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_prints)]
InnerPath = Annotated[
    str, StringConstraints(min_length=1, max_length=1000), AfterValidator(_stays_inside)
]
Bytes = Annotated[int, Field(strict=True, ge=0, lt=2**53)]
Count = Annotated[int, Field(strict=True, ge=0, lt=2**53)]
Marker = Annotated[str, StringConstraints(max_length=100), AfterValidator(_prints)]


class Chunk(Spec):
    """A piece of the stream of all files: its SHA-256 and its size in bytes."""

    sha256: Sha256
    size: Annotated[int, Field(strict=True, ge=1, le=LONGEST_CHUNK)]


class DataFile(Spec):
    """One file of the data set.

    `path` is unique, relative, with "/"; `split` is the one that all its rows belong to, None for
    an .npz, whose arrays say it (see Column.arrays). In `images` and `texts` each file is one
    row, and `label` is the number of its class: an index into `classes` of the target column.
    """

    path: InnerPath
    size: Bytes
    split: Split | None = None
    label: Count | None = None


class Column(Spec):
    """A column of a table, a named array, or what the files of a folder are.

    `csv`, `parquet`: `name` is the column's. `npz`, `npy`: `name` is the field's ("x"), and
    `arrays` says which array holds it in each split ({"train": "x_train", "test": "x_test"}); an
    array of an `npy` data set is a file, named by its path. `images`: the columns "image" and
    "class"; `texts`: "text" and "class".

    Attributes:
        type: None only where nobody has looked (Parquet on a client without pyarrow): the worker
            goes by the type in the file. "image" in tables is not possible.
        role: "unused" is neither given to models unless a job asks for it.
        may_miss: whether values may be missing: a marker of the manifest's `missing`, a NaN, a
            null. Never true of a target.
        format: of a date, as strptime takes it; None is ISO 8601.
        classes: of a category that is a target: the values, as text, in the order of their
            numbers. The number of a value is the index of its text. Inputs have none here, since
            their vocabulary comes from the training split alone.
        shape, dtype: of one row of an array, as NumPy names them ("uint8", "<U12" is "str"). Of the
            images of a folder, whose sizes nobody has looked at, `shape` is (channels,); None is 3.
    """

    name: Name
    type: ColumnType | None
    role: Role = "input"
    may_miss: bool = False
    format: Marker | None = None
    classes: Annotated[tuple[Marker, ...], Field(max_length=MOST_CLASSES)] | None = None
    arrays: dict[Split, InnerPath] | None = None
    shape: Annotated[tuple[Count, ...], Field(max_length=8)] | None = None
    dtype: Annotated[str, StringConstraints(pattern=r"^[a-z]{1,12}[0-9]{0,3}$")] | None = None


class CodeSource(Spec):
    """Data that a function makes: `files` is then one code bundle (see code_bundle.py).

    `options` are its keyword arguments.
    """

    module: Module
    function: Function
    options: Annotated[dict[Function, Plain], Field(max_length=MOST_OPTIONS)] = Field(
        default_factory=dict
    )


@dataclass(frozen=True)
class Piece:
    """Bytes `start` to `stop` of a chunk: a part of a file."""

    chunk: Chunk
    start: int
    stop: int


class DatasetManifest(Spec):
    """One version's content.

    `separator` and `missing` are for `csv`: what stands between cells, and which cells are missing
    values. Its files are UTF-8 (with a BOM or without), the first line names the columns,
    quoting is as in RFC 4180. `complete` is False where `columns` holds only what was
    declared, and the file may have more (Parquet on a client without pyarrow): each of these is
    then an input, unless a column here is one. `rows` is empty where nobody has counted.
    """

    manifest_version: Literal[1] = 1
    format: Format
    files: Annotated[tuple[DataFile, ...], Field(min_length=1, max_length=MOST_FILES)]
    chunks: Annotated[tuple[Chunk, ...], Field(max_length=MOST_CHUNKS)]
    columns: Annotated[tuple[Column, ...], Field(max_length=MOST_COLUMNS)] = ()
    complete: bool = True
    rows: dict[Split, Count] = Field(default_factory=dict)
    separator: Literal[",", ";", "\t", "|"] = ","
    missing: Annotated[tuple[Marker, ...], Field(max_length=32)] = ()
    code: CodeSource | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        _check_together(self)
        return self

    @property
    def size(self) -> int:
        """All files together, in bytes."""
        return sum(file.size for file in self.files)

    @property
    def splits(self) -> tuple[Split, ...]:
        """Which of train and test it has: ("train",) where nothing says more."""
        named = {file.split for file in self.files if file.split}
        named |= {split for column in self.columns for split in column.arrays or ()}
        return tuple(split for split in ("train", "test") if split in named) or ("train",)

    @property
    def inputs(self) -> tuple[Column, ...]:
        """The columns that models are given."""
        return tuple(column for column in self.columns if column.role == "input")

    @property
    def targets(self) -> tuple[Column, ...]:
        """The columns that models learn."""
        return tuple(column for column in self.columns if column.role == "target")

    def pieces(self) -> Iterator[tuple[DataFile, tuple[Piece, ...]]]:
        """Each file, in order, with the pieces of chunks that make up its content, in order."""
        chunks = iter(self.chunks)
        chunk, at = next(chunks, None), 0
        for file in self.files:
            found: list[Piece] = []
            left = file.size
            while left and chunk is not None:
                stop = min(chunk.size, at + left)
                found.append(Piece(chunk, at, stop))
                left -= stop - at
                chunk, at = (chunk, stop) if stop < chunk.size else (next(chunks, None), 0)
            yield file, tuple(found)

    def canonical(self) -> str:
        """The manifest as JSON, always in the same form."""
        return canonical_json(self.model_dump(mode="json", exclude_defaults=True))

    def digest(self) -> str:
        """SHA-256 of the canonical form, in hexadecimal: the identity of the version."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()

    @classmethod
    def parse(cls, data: object) -> Self:
        """Make a manifest from what a store held.

        Raises:
            StoreError: it is none that this fitq understands; names the first field at fault.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "the whole"
            raise StoreError(
                f"the manifest of the data set is wrong: {shown(where)}: {first['msg']}",
                "register the data set again with `fitq datasets add`; "
                "bring client and workers to the same release",
            ) from error


def chunk_path(sha256: str) -> str:
    """Where a chunk lies in the store.

    Example:
        >>> chunk_path("ab" * 32)[:16]
        'blobs/ab/abababa'
    """
    return f"blobs/{sha256[:2]}/{sha256}"


def parse_json(content: bytes, limit: int = MOST_MANIFEST_BYTES) -> Any:
    """JSON from a store.

    Raises:
        StoreError: it is none, or longer than `limit` bytes.
    """
    if len(content) > limit:
        raise StoreError(
            f"a manifest of {len(content)} bytes is too large: expected at most {limit}",
            "register the data set in parts",
        )
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise StoreError(
            "the manifest of the data set is no JSON",
            "register the data set again with `fitq datasets add`",
        ) from error


def _check_together(manifest: DatasetManifest) -> None:
    """What files, chunks and columns demand of each other.

    Raises:
        ValueError: says what does not fit.
    """
    if manifest.size != sum(chunk.size for chunk in manifest.chunks):
        raise ValueError("chunks that are together as large as the files")
    if len({file.path for file in manifest.files}) != len(manifest.files):
        raise ValueError("files with a path of their own each")
    names = [column.name for column in manifest.columns]
    if len({*names}) != len(names):
        raise ValueError("columns with a name of their own each")
    if (manifest.format == "code") != (manifest.code is not None):
        raise ValueError("code where the format is code, and only there")
    if any(column.may_miss and column.role == "target" for column in manifest.columns):
        raise ValueError("targets that miss no values")
    if manifest.format in ("images", "texts"):
        classes = len(manifest.targets[0].classes or ()) if manifest.targets else 0
        if any(file.label is None or file.label >= classes for file in manifest.files):
            raise ValueError("a class for each file")
