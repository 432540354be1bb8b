"""Many small files as one: a zip archive whose members are "<number>/<name>", in order."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from fitq_shared.archives import BadArchive, open_archive, read_member
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.texts import printable

LARGEST_PACK = 16 * 2**30
LARGEST_FILE = 256 * 2**20
MOST_FILES = 100_000
LONGEST_NAME = 150
# What zipfile and its decompressor raise for content that is not what it seems.
_DAMAGE = (BadArchive, zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError)
# The same files make the same archive, whenever they are packed.
_DATE = (1980, 1, 1, 0, 0, 0)


def pack(files: Iterable[Path], target: Path) -> None:
    """Write an archive of these files, each with its path for a name, as the user gave it.

    Raises:
        OSError: a file cannot be read, or the archive not be written.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for number, path in enumerate(files):
            member = zipfile.ZipInfo(f"{number}/{_plain(path)}", _DATE)
            with archive.open(member, "w") as into, path.open("rb") as content:
                while piece := content.read(2**20):
                    into.write(piece)


def unpack(file: IO[bytes], name: str) -> Iterator[tuple[str, bytes]]:
    """Each file's name and content, in the order in which they were packed.

    Args:
        name: what the user calls them all, for messages.

    Raises:
        InvalidInput: it is no such archive, or holds what it must not.
    """
    try:
        with open_archive(file, LARGEST_PACK, MOST_FILES) as archive:
            members = [member.filename for member in archive.infolist()]
            for number, member in enumerate(members):
                before, _, plain = member.partition("/")
                if before != str(number) or not plain:
                    raise BadArchive(f"its member {number} is named {printable(member, 100)}")
                yield plain, read_member(archive, member, LARGEST_FILE)
    except _DAMAGE as error:
        expected = f"files that fitq has packed: {printable(str(error), 200)}"
        raise InvalidInput([Mistake("input", name, expected)]) from error


def _plain(path: Path) -> str:
    """The end of a path, without what would lead out of a folder."""
    parts = [part.strip("/\\") for part in path.parts if part != ".."]
    text = "/".join(printable(part).replace("\\", "_") for part in parts if part)
    return text[-LONGEST_NAME:].strip("/") or "file"
