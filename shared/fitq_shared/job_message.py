"""What the Celery message of a job says, as the body that may be signed holds it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.record import JobRecord
from fitq_shared.specs.kinds import KINDS

LARGEST_ATTEMPT = 1_000_000
_FORMS = {
    "job": re.compile(r"[a-z0-9]{1,32}"),
    "spec_hash": re.compile(r"[0-9a-f]{64}"),
}


def message_prefix(job_id: str, attempt: int) -> str:
    """How the ids of all messages of one attempt begin; each goes on in its own way."""
    return f"{job_id}-{attempt}-"


@dataclass(frozen=True)
class JobMessage:
    """Which attempt of which job is to run, and the SHA-256 of the spec that it has."""

    job: str
    kind: str
    attempt: int
    spec_hash: str

    @classmethod
    def of(cls, record: JobRecord) -> Self:
        """The message that says that a queued record's attempt may run."""
        return cls(record.id, record.kind, record.attempt, record.spec_hash)

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of the Celery task."""
        return asdict(self)

    @classmethod
    def parse(cls, arguments: object) -> Self:
        """Make a message from untrusted keyword arguments.

        Raises:
            InvalidInput: names what is missing, too much, or no value of its kind.
        """
        if not isinstance(arguments, Mapping):
            raise InvalidInput([Mistake("message", arguments, "named values")])
        names = ("job", "kind", "attempt", "spec_hash")
        wrong = [
            Mistake(name, arguments.get(name), expected)
            for name, expected in zip(names, _EXPECTED, strict=True)
            if not _fits(name, arguments.get(name))
        ]
        extra = [name for name in arguments if name not in names]
        if extra:
            wrong.append(Mistake("message", extra, f"only {', '.join(names)}"))
        if wrong:
            raise InvalidInput(wrong)
        return cls(**{name: arguments[name] for name in names})


_EXPECTED = (
    "the id of a job",
    f"one of {', '.join(sorted(KINDS))}",
    f"a number from 1 to {LARGEST_ATTEMPT}",
    "a SHA-256 in hexadecimal",
)


def _fits(name: str, value: object) -> bool:
    if name == "attempt":
        return type(value) is int and 1 <= value <= LARGEST_ATTEMPT
    if not isinstance(value, str):
        return False
    return value in KINDS if name == "kind" else _FORMS[name].fullmatch(value) is not None
