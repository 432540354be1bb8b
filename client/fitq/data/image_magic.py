"""Whether a file is an image, by how it begins and ends."""

from __future__ import annotations

from pathlib import Path

from fitq_shared.archives import kind_of

_MAGIC = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF", b"BM": "BMP"}
_PNG_END = b"IEND\xaeB`\x82"


def broken(path: Path) -> str:
    """Why a file is no image that a worker reads, in words; empty if it seems to be one.

    The beginning counts, not the suffix: a JPEG named *.png is read well.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(16)
        size = file.seek(0, 2)
        file.seek(max(size - 64, 0))
        end = file.read()
    if not start:
        return "empty"
    kind = next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)
    if kind is None:
        what = kind_of(start[:8])
        return "neither PNG, JPEG, GIF nor BMP" + (f" but {what}" if what else "")
    if kind == "PNG" and _PNG_END not in end:
        return "a PNG whose end is missing"
    return ""
