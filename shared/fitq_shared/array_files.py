"""Array files that users give: read without ever running what is in them."""

from __future__ import annotations

import lzma
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from fitq_shared.archives import BadArchive, kind_of, open_archive
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.specs.mistakes import unknown_choice
from fitq_shared.texts import printable, shown

LARGEST_ARRAY = 8 * 2**30
LARGEST_ARCHIVE = 4 * LARGEST_ARRAY
LAST_CHARACTER = 0x10FFFF
# What numpy, zipfile and its decompressors raise for content that is not what it seems.
DAMAGE = (
    *(ValueError, OSError, EOFError, RuntimeError, tokenize.TokenError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
)
NPZ_MAGIC = b"PK\x03\x04"
EMPTY_ZIP = b"PK\x05\x06"


def read_array(file: IO[bytes], name: str, array: str | None = None) -> NDArray[Any]:
    """Read one array from an `.npy` or `.npz` file.

    Args:
        name: what the user calls the file, for messages.
        array: which array of an `.npz`; None when it holds only one.

    Raises:
        InvalidInput: empty, truncated, pickled, neither numbers nor texts, over 8 GiB, an archive
            that hides something or is a bomb, or without the array asked for.
    """
    start = file.read(8)
    file.seek(0)
    if not start:
        raise _wrong(name, "the file is empty")
    try:
        if start.startswith((NPZ_MAGIC, EMPTY_ZIP)):
            with open_archive(file, LARGEST_ARCHIVE) as archive:
                member = archive.getinfo(_member(archive, name, array))
                with archive.open(member) as content:
                    return read_npy(content, name, member.file_size, texts=True)
        if start.startswith(npy.MAGIC_PREFIX):
            if array is not None:
                raise InvalidInput(
                    [
                        Mistake(
                            "--array", array, "nothing: an .npy file has one array, without a name"
                        )
                    ]
                )
            return read_npy(file, name, texts=True)
    except BadArchive as error:
        raise _wrong(name, str(error)) from error
    except DAMAGE as error:
        text = printable(str(error), 100)
        raise _wrong(name, f"it is truncated or damaged: {text}") from error
    kind = kind_of(start)
    raise _wrong(name, "it does not begin like one" + (f", it is {kind}" if kind else ""))


def read_arrays(
    file: IO[bytes], name: str, array: str | None = None, names: Sequence[str] | None = None
) -> dict[str, NDArray[Any]]:
    """Read several arrays of an `.npz` file by their names, or as `read_array` the only one.

    Args:
        names: the arrays to read; None for one, which is then called `array`, or "".

    Raises:
        InvalidInput: as `read_array`; or one is missing: names them all.
    """
    if names is None:
        return {array or "": read_array(file, name, array)}
    if not file.read(8).startswith(NPZ_MAGIC):
        raise _wrong(name, f"it has no arrays with names, such as {shown(list(names))[1:-1]}")
    try:
        with open_archive(file, LARGEST_ARCHIVE) as archive:
            there = [n.removesuffix(".npy") for n in archive.namelist() if n.endswith(".npy")]
    except BadArchive as error:
        raise _wrong(name, str(error)) from error
    except DAMAGE as error:
        text = printable(str(error), 100)
        raise _wrong(name, f"it is truncated or damaged: {text}") from error
    if missing := [one for one in names if one not in there]:
        expected = f"an .npz with {shown(missing)[1:-1]} in it: it has {shown(there, 200)[1:-1]}"
        raise InvalidInput([Mistake("input", name, expected)])
    found = {}
    for one in names:
        file.seek(0)
        found[one] = read_array(file, name, one)
    return found


def read_npy(
    file: IO[bytes], name: str, promised: int | None = None, *, texts: bool = False
) -> NDArray[Any]:
    """Read the array of one `.npy` file, or of one such member of an archive.

    Args:
        promised: how many bytes an archive says it has, header and all. The file is held to it.
        texts: whether it may hold texts as well as numbers.

    Raises:
        InvalidInput: it holds something else, over 8 GiB, or less or more than its header says.
        Exception: one of `DAMAGE`.
    """
    version = npy.read_magic(file)
    header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = header(file)
    if dtype.hasobject:
        raise _wrong(name, "it holds pickled Python objects, which can run code")
    if dtype.kind not in ("biufU" if texts else "biuf"):
        raise _wrong(name, f"its dtype is {shown(str(dtype))}, which is neither number nor text")
    size = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if size > LARGEST_ARRAY:
        raise _wrong(
            name, f"its array of shape {shown(shape)} is over {LARGEST_ARRAY // 2**30} GiB"
        )
    if promised is not None and file.tell() + size != promised:
        raise _wrong(name, f"it is truncated: {promised - file.tell()} of {size} bytes are there")
    content = file.read(size + 1)
    if len(content) != size:
        raise _wrong(name, f"it is truncated: {len(content)} of {size} bytes are there")
    if dtype.kind == "U":
        _check_characters(content, dtype, name)
    flat = np.frombuffer(content, dtype)
    return flat.reshape(shape, order="F" if fortran else "C")


def _check_characters(content: bytes, dtype: np.dtype[Any], name: str) -> None:
    """See that each character is one that Unicode has, so that texts can be read at all."""
    codes = np.frombuffer(content, np.dtype(np.uint32).newbyteorder(dtype.byteorder))
    if ((codes > LAST_CHARACTER) | ((codes >= 0xD800) & (codes <= 0xDFFF))).any():
        raise _wrong(name, "its texts have characters that do not exist")


def _member(archive: zipfile.ZipFile, name: str, array: str | None) -> str:
    names = [n.removesuffix(".npy") for n in archive.namelist() if n.endswith(".npy")]
    if not names:
        raise _wrong(name, "there is no array in it")
    if array is None and len(names) > 1:
        raise InvalidInput(
            [
                Mistake(
                    "--array",
                    None,
                    f"one array in {shown(name)}, or --array to choose one of these: "
                    + shown(names, 200),
                )
            ],
        )
    if array is not None and array not in names:
        raise InvalidInput([unknown_choice("--array", array, names)])
    return f"{array or names[0]}.npy"


def _wrong(name: str, found: str) -> InvalidInput:
    expected = "an .npy or .npz file of numbers or texts, as numpy.save or numpy.savez write it"
    return InvalidInput([Mistake("input", name, f"{expected}: {found}")])
