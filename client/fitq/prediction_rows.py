"""Files that a user gives to a prediction: looked at here, where their mistakes can be mended."""

from __future__ import annotations

import contextlib
import csv
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fitq.uploads import Upload, of_file
from fitq_shared.archives import kind_of
from fitq_shared.array_files import read_arrays
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.packed import LARGEST_FILE, MOST_FILES, pack
from fitq_shared.pixels import PIXELS, PIXELS_HINT, no_pixels
from fitq_shared.texts import shown

WHERE = "FILE"
ARRAYS, TABLES = (".npy", ".npz"), (".csv", ".tsv")
IMAGES, TEXTS = (".png", ".jpg", ".jpeg"), (".txt",)
_KINDS = {
    **dict.fromkeys(ARRAYS, "arrays"),
    **dict.fromkeys(TABLES, "table"),
    **dict.fromkeys(IMAGES, "images"),
    **dict.fromkeys(TEXTS, "texts"),
}
SUFFIXES = ", ".join(f"*{suffix}" for suffix in _KINDS)
_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_SEPARATORS = (",", ";", "\t", "|")
_LONGEST_HEADER = 2**20
_MOST_NAMED = 20

Inputs = Sequence[Mapping[str, Any]]


@contextlib.contextmanager
def rows_of(
    files: Sequence[Path], array: str | None, inputs: Inputs | None
) -> Iterator[tuple[dict[str, Any], Upload]]:
    """The rows of a `PredictJob` that these files are, and what to upload for it.

    Several files are possible only if each is one row: images or texts. A folder stands for all
    such files in it.

    Args:
        array: which array of an `.npz`.
        inputs: of the model, as its interface says them; None if nobody can say.

    Raises:
        InvalidInput: names each file that is not there, or is not what its name says; or the
            arrays or columns that the model does not take.
    """
    given = _expanded(files)
    kind = _kind(given)
    if array is not None and kind != "arrays":
        raise InvalidInput([Mistake("--array", array, f"nothing, since the files are {kind}")])
    if kind in ("arrays", "table"):
        if len(given) > 1:
            expected = f"one file, or several images or texts; not {len(given)} of {kind}"
            raise InvalidInput([Mistake(WHERE, [str(file) for file in given], expected)])
        upload = of_file(given[0], WHERE, ".csv" if kind == "table" else given[0].suffix.lower())
        if kind == "table":
            yield _table(given[0], inputs, upload), upload
        else:
            _check_arrays(given[0], array, inputs)
            yield {"type": "file", "array": array, **upload.values}, upload
        return
    _check_each(given, kind)
    with tempfile.TemporaryDirectory(prefix="fitq-") as folder:
        target = Path(folder) / "rows.zip"
        pack(given, target)
        packed = of_file(target, WHERE)
        more = f" and {len(given) - 1} more" if len(given) > 1 else ""
        yield {"type": kind, **packed.values, "file": f"{given[0].name[-200:]}{more}"}, packed


def _expanded(files: Sequence[Path]) -> list[Path]:
    """The files, and for a folder the images or texts in it, by their names."""
    found: list[Path] = []
    for file in files:
        if not file.is_dir():
            found.append(file)
            continue
        try:
            inside = [one for one in file.iterdir() if one.suffix.lower() in (*IMAGES, *TEXTS)]
        except OSError as error:
            wrong = Mistake(WHERE, str(file), f"a folder ({error.strerror})")
            raise InvalidInput([wrong]) from None
        if not inside:
            raise InvalidInput([Mistake(WHERE, str(file), "a folder with images or texts in it")])
        found += sorted(inside)
    if len(found) > MOST_FILES:
        raise InvalidInput([Mistake(WHERE, f"{len(found)} files", f"at most {MOST_FILES} of them")])
    return found


def _kind(files: Sequence[Path]) -> str:
    wrong = [file for file in files if file.suffix.lower() not in _KINDS]
    if wrong or not files:
        expected = f"a file named {SUFFIXES}"
        raise InvalidInput([Mistake(WHERE, str(file), expected) for file in wrong[:_MOST_NAMED]])
    kinds = sorted({_KINDS[file.suffix.lower()] for file in files})
    if len(kinds) > 1:
        raise InvalidInput(
            [Mistake(WHERE, " and ".join(kinds), "files of one kind")], "predict each kind alone"
        )
    return kinds[0]


def _check_each(files: Sequence[Path], kind: str) -> None:
    """See that each file begins as such a file does."""
    wrong = []
    for file in files:
        try:
            size = file.stat().st_size
            with file.open("rb") as content:
                start = content.read(16)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            wrong.append(Mistake(WHERE, str(file), f"a file ({reason})"))
            continue
        if size > LARGEST_FILE:
            wrong.append(Mistake(WHERE, str(file), f"at most {LARGEST_FILE // 2**20} MiB"))
        elif kind == "images" and not start.startswith(_MAGIC):
            seems = kind_of(start) or "something else"
            found = f"this is {seems}" if start else "this is empty"
            wrong.append(Mistake(WHERE, str(file), f"a PNG or JPEG image; {found}"))
    if wrong:
        raise InvalidInput(wrong[:_MOST_NAMED])


def _table(file: Path, inputs: Inputs | None, upload: Upload) -> dict[str, Any]:
    """Its separator, by its first row; and whether that names what the model takes."""
    with file.open("rb") as content:
        start = content.read(_LONGEST_HEADER)
    if not start.strip():
        raise InvalidInput([Mistake(WHERE, str(file), "a CSV file; this is empty")])
    text = start.decode("utf-8-sig", "replace")
    first = next(line for line in text.splitlines() if line.strip())
    separator = max(_SEPARATORS, key=first.count)
    names = [name.strip() for name in next(csv.reader([first], delimiter=separator))]
    wanted = [column for one in inputs or () for column in one["columns"]]
    if missing := [name for name in wanted if name not in names]:
        raise InvalidInput(
            [
                Mistake(
                    WHERE, str(file), f"columns named {shown(missing)[1:-1]}: it has {shown(names)}"
                )
            ],
            "name the columns in the first row as those that the model was trained on",
        )
    return {"type": "table", "separator": separator, **upload.values}


def _check_arrays(file: Path, array: str | None, inputs: Inputs | None) -> None:
    """See that each input of the model finds an array of its shape, of as many rows."""
    by_name = len(inputs or ()) > 1 and array is None
    with file.open("rb") as content:
        names = [one["name"] for one in inputs or ()] if by_name else None
        found = read_arrays(content, str(file), array, names)
    mistakes = []
    hint = "reshape the array to what the model was trained on"
    for one, (name, values) in zip(inputs or (), found.items(), strict=False):
        what = f"{WHERE} ({name})" if by_name else WHERE
        if not values.size or not _fits(one["shape"], values.shape[1:]):
            sizes = ["?" if size is None else str(size) for size in one["shape"]]
            shape = f"(n, {', '.join(sizes)})" if sizes else "(n,)"
            wanted = f"shape {shape}, n at least 1"
            mistakes.append(Mistake(what, f"array of shape {values.shape}", wanted))
        elif (values.dtype.kind == "U") != (one["dtype"] == "str"):
            hint = "give what the model was trained on"
            given, taken = (
                ("texts", "numbers") if values.dtype.kind == "U" else ("numbers", "texts")
            )
            mistakes.append(Mistake(what, f"array of {given}", f"an array of {taken}"))
        elif one["dtype"] == "uint8" and (wrong := no_pixels(values)):
            hint = PIXELS_HINT
            mistakes.append(Mistake(what, wrong, PIXELS))
    counts = {name: len(values) for name, values in found.items() if values.shape}
    if len(set(counts.values())) > 1:
        mistakes.append(Mistake(WHERE, counts, "arrays with as many rows each"))
    if mistakes:
        raise InvalidInput(mistakes, hint)


def _fits(expected: Sequence[int | None], found: Sequence[int]) -> bool:
    """Whether they are one row's shape; Keras adds or drops a last axis of 1 itself."""
    one: list[int | None] = list(expected)
    two: list[int | None] = list(found)
    longer = one if len(one) > len(two) else two
    if abs(len(one) - len(two)) == 1 and longer[-1] == 1:
        longer.pop()
    return len(one) == len(two) and all(a in (None, b) for a, b in zip(one, two, strict=True))
