"""Zip archives from outside (`.keras`, `.npz`): their members looked at before they are read.

Nothing is ever extracted by a member's name here, but those who get the file later may do so.
Sizes are bounded twice: by what the headers promise, and while the content is read, since
headers can lie.
"""

from __future__ import annotations

import re
import stat
import zipfile
from typing import IO

from fitq_shared.texts import shown

MOST_MEMBERS = 1000
LONGEST_NAME = 200
# Deflate can make a thousand out of one. Keras, which stores without compression, takes above
# 256 MiB a hundredfold for a bomb (`_ZIP_MEMBER_MAX_EXPANSION` in its saving_lib.py).
MOST_EXPANSION = 100
EXPANSION_FLOOR = 256 * 2**20

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DRIVE = re.compile(r"[A-Za-z]:")
_KINDS = {
    b"\x89HDF\r\n\x1a\n": "an HDF5 file (.h5), whose models can run code in spite of safe mode",
    b"PK\x03\x04": "a zip archive",
    b"PK\x05\x06": "an empty zip archive",
    b"\x93NUMPY": "an .npy file",
    b"\x1f\x8b": "a gzip file",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"\x7fELF": "a program",
}
# Protocols 2 to 5; the older two are text without a mark of their own.
_PICKLE = re.compile(rb"\x80[\x02-\x05]")


class BadArchive(Exception):
    """An archive that is not to be read; the text says what was found."""


def kind_of(start: bytes) -> str | None:
    """What a file that begins so seems to be, in words; None when nobody knows."""
    if _PICKLE.match(start):
        return "a pickle, which can run code"
    return next((kind for magic, kind in _KINDS.items() if start.startswith(magic)), None)


def open_archive(file: IO[bytes], largest: int, most: int = MOST_MEMBERS) -> zipfile.ZipFile:
    """Open an archive, and look at all its headers.

    Args:
        largest: how many bytes its members may have together when they are unpacked.
        most: how many members it may have.

    Raises:
        BadArchive: a member's name leaves the archive or hides something, two have one name, one
            is a link or encrypted, or there are too many or too large ones.
        zipfile.BadZipFile: it is damaged.
    """
    size = file.seek(0, 2)
    file.seek(0)
    archive = zipfile.ZipFile(file)
    members = archive.infolist()
    if len(members) > most:
        raise BadArchive(f"it has {len(members)} members: at most {most} are read")
    names: set[str] = set()
    for member in members:
        _check_member(member)
        # Two names that differ only in case are one file on some systems.
        if member.filename.casefold() in names:
            raise BadArchive(f"two of its members are named {shown(member.filename)}")
        names.add(member.filename.casefold())
    if sum(member.compress_size for member in members) > size:
        raise BadArchive("its members overlap, as those of an archive bomb do")
    total = sum(member.file_size for member in members)
    if total > largest:
        raise BadArchive(f"it unpacks to {_mib(total)} MiB: at most {_mib(largest)} are read")
    return archive


def read_member(archive: zipfile.ZipFile, name: str, largest: int) -> bytes:
    """Read one member whole.

    Raises:
        BadArchive: it has more bytes than `largest`.
        zipfile.BadZipFile: it is damaged.
    """
    with archive.open(name) as member:
        content = member.read(largest + 1)
        if len(content) > largest:
            raise BadArchive(f"its member {shown(name)} has more than {largest} bytes")
        return content


def _check_member(member: zipfile.ZipInfo) -> None:
    # zipfile cuts a name at its first NUL: what others see is in orig_filename.
    name = member.orig_filename
    shown_name = shown(name)
    if len(name) > LONGEST_NAME:
        raise BadArchive(
            f"a member's name has {len(name)} letters: at most {LONGEST_NAME} are read"
        )
    if not name.isprintable():
        raise BadArchive(f"the name of its member {shown_name} has characters that hide something")
    parts = name.removesuffix("/").split("/")
    if "\\" in name or _DRIVE.match(name) or any(part in ("", ".", "..") for part in parts):
        raise BadArchive(f"its member {shown_name} would leave the folder of the archive")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise BadArchive(f"its member {shown_name} is a link or a device")
    if member.flag_bits & 0x1:
        raise BadArchive(f"its member {shown_name} is encrypted")
    if member.compress_type not in _METHODS:
        raise BadArchive(f"its member {shown_name} is packed in an unusual way")
    if member.file_size > max(EXPANSION_FLOOR, MOST_EXPANSION * member.compress_size):
        raise BadArchive(
            f"its member {shown_name} grows from {member.compress_size} bytes to "
            f"{_mib(member.file_size)} MiB, as in an archive bomb"
        )


def _mib(size: int) -> int:
    return -(-size // 2**20)
