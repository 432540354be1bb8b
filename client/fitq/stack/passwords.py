"""The stack's passwords: random, in a private file, the same after `down` and `up`."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from fitq.stack.folder import read_json, write_json


@dataclass(frozen=True)
class Passwords:
    """Letters, digits, `-` and `_` only: they need no quoting in URLs and configuration files."""

    redis: str
    flower: str

    @classmethod
    def of(cls, file: Path) -> Passwords:
        """Those in the file; what is missing there is made and written."""
        kept = read_json(file)
        passwords = cls(
            redis=kept.get("redis") or secrets.token_urlsafe(24),
            flower=kept.get("flower") or secrets.token_urlsafe(12),
        )
        if asdict(passwords) != kept:
            write_json(file, asdict(passwords))
        return passwords
