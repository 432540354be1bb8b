"""`.npz` files: several named arrays. Each is unpacked once, and then mapped into memory."""

from __future__ import annotations

import math
import shutil
import zipfile
from pathlib import Path

from numpy.lib import format as npy

from fitq_shared.archives import BadArchive, open_archive
from fitq_shared.array_files import DAMAGE
from fitq_shared.errors import BadJob
from fitq_shared.texts import printable, shown

WRITE_AGAIN = "write it again with numpy.savez, and register it again"
_PIECE = 2**20


def unpack(path: Path, name: str, folder: Path, largest: int) -> dict[str, Path]:
    """Write each array of an `.npz` file as a `.npy` file of its own.

    Args:
        path: the file.
        name: what its owner calls it, for messages.
        folder: where the .npy files go, numbered.
        largest: how many bytes they may have together.

    Returns:
        The file of each array, by the array's name.

    Raises:
        BadJob: the file is damaged, an archive bomb, or holds something other than arrays of
            numbers or texts.
    """
    found: dict[str, Path] = {}
    try:
        with path.open("rb") as file, open_archive(file, largest) as archive:
            for number, member in enumerate(archive.infolist()):
                if not member.filename.endswith(".npy"):
                    raise _bad(name, f"its member {shown(member.filename)} is no array")
                array = member.filename.removesuffix(".npy")
                found[array] = folder / f"{number}.npy"
                _unpack_member(archive, member, found[array])
                check_npy(found[array], f"{array} of {name}")
    except BadArchive as error:
        raise _bad(name, str(error)) from error
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise _bad(name, f"it is damaged: {printable(str(error), 100)}") from error
    if not found:
        raise _bad(name, "there is no array in it")
    return found


def _unpack_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> None:
    # zipfile stops after as many bytes as the header promises, and compares the checksum.
    with archive.open(member) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target, _PIECE)


def check_npy(path: Path, name: str) -> None:
    """See that a file is one whole array of numbers or texts.

    Args:
        name: what its owner calls it, for messages.

    Raises:
        BadJob: it is not; tells what it is.
    """
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            version = npy.read_magic(file)
            header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, _, dtype = header(file)
            start = file.tell()
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise _bad(name, f"it is no .npy file: {printable(str(error), 100)}") from error
    if dtype.hasobject:
        raise _bad(name, "it holds pickled Python objects, which can run code")
    if dtype.kind not in "biufU":
        raise _bad(name, f"its dtype is {shown(str(dtype))}, which is neither number nor text")
    expected = start + dtype.itemsize * math.prod(shape)
    if size != expected:
        raise _bad(name, f"it has {size:,} bytes, but its header promises {expected:,}")
    if not shape:
        raise _bad(name, "it is a single value: expected rows")


def _bad(name: str, found: str) -> BadJob:
    return BadJob(f"{printable(name, 200)} cannot be read: {found}", WRITE_AGAIN)
