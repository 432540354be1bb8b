"""How the files of a data set are cut into the chunks that versions share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from fitq.data.source import LocalFile, end_of
from fitq_shared.errors import InvalidInput, Mistake

LONGEST = 4 * 2**20
# Among small files a chunk ends where the name of a file says so, one in four: then a file that
# is new, or gone, changes only the chunk that it is in, and not all after it.
SHORTEST = 2**20
_ONE_IN = 4


def cut(files: Sequence[LocalFile]) -> Iterator[bytes]:
    """The bytes of all files, one after the other, in chunks; one is held at a time.

    A large file begins a chunk of its own, so what is added at its end changes no chunk before.

    Raises:
        InvalidInput: a file has changed since it was looked through.
    """
    rest = bytearray()
    for file in files:
        if rest and file.size >= LONGEST:
            yield bytes(rest)
            rest.clear()
        for piece in _pieces(file, LONGEST - len(rest)):
            rest += piece
            if len(rest) == LONGEST:
                yield bytes(rest)
                rest.clear()
        if len(rest) >= SHORTEST and hashlib.sha256(file.name.encode()).digest()[0] % _ONE_IN == 0:
            yield bytes(rest)
            rest.clear()
    if rest:
        yield bytes(rest)


def _pieces(file: LocalFile, first: int) -> Iterator[bytes]:
    """The content of a file: the first piece as long as there is room, the others full."""
    try:
        with file.open() as content:
            done, want = 0, first
            while piece := content.read(want):
                done += len(piece)
                yield piece
                want = want - len(piece) or LONGEST
    except OSError as error:
        raise _changed(file, error.strerror or str(error)) from None
    if done != file.size or not file.is_unchanged:
        raise _changed(file, "it was written to meanwhile")


def _changed(file: LocalFile, found: str) -> InvalidInput:
    expected = f"a file that stays as it is while it is read: {found}"
    return InvalidInput(
        [Mistake("PATH", end_of(file.path), expected)],
        "try again when nothing writes to it; nothing was registered",
    )
