"""How data sets are shown in tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fitq_shared.specs.base import Split

if TYPE_CHECKING:
    from fitq_shared.registrations import Registration


def rows(counts: Mapping[Split, int] | None) -> str:
    """For example "60,000 + 10,000 test"; empty where nobody has counted."""
    if not counts:
        return ""
    train, test = counts.get("train"), counts.get("test")
    parts = [] if train is None else [f"{train:,}"]
    return " + ".join(parts if test is None else [*parts, f"{test:,} test"])


def size(count: int) -> str:
    """Bytes in a unit that fits."""
    from rich.filesize import decimal

    return decimal(count)


def listed(one: Registration) -> dict[str, Any]:
    """A version as JSON."""
    counts = one.rows or {}
    return {
        "name": one.name,
        "version": one.version,
        "format": one.format,
        "train_rows": counts.get("train"),
        "test_rows": counts.get("test"),
        "files": one.files,
        "bytes": one.size,
        "created": one.created,
        "owner": one.owner,
        "manifest": one.manifest,
    }
