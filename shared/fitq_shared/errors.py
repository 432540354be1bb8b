"""Every error that a user can meet, in one tree.

FitqError                 exit 1
├── InvalidInput          exit 2   the command or the job is wrong; all its mistakes together
│   ├── UnknownJob        exit 2   no job goes by this id or name, or several do
│   └── UnknownModel      exit 2   no model, version or alias goes by this name
├── QueueUnreachable      exit 3   Redis does not answer
├── StoreError            exit 1   the artifact store cannot be read or written
├── StackError            exit 1   a part of the local stack does not start or stop
├── JobFailed             exit 1   a job that was waited for has failed or was cancelled
├── NotEnded              exit 1   a job has not ended in the time that it was given
└── JobError              exit 1   the job itself failed; carries the reason kept in its record
    └── BadJob                     the user's mistake, found on the worker: never retried
        └── Diverged               the loss is no number any more

The message says what is wrong and names the value; the hint says what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fitq_shared.texts import printable, shown

LONGEST_PLACE = 120


class FitqError(Exception):
    """The base of all errors that fitq raises on purpose."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[type[FitqError], tuple[str, str]]:
        return type(self), (self.message, self.hint)


@dataclass(frozen=True)
class Mistake:
    """One thing wrong with the input: where, what was given (None: nothing), what would be right.

    Example:
        >>> str(Mistake("epochs", 0, "a number of at least 1"))
        'epochs = 0: expected a number of at least 1'
    """

    where: str
    given: object
    expected: str

    def __str__(self) -> str:
        given = "is missing" if self.given is None else f"= {shown(self.given)}"
        return f"{printable(self.where, LONGEST_PLACE)} {given}: expected {self.expected}"


class InvalidInput(FitqError):
    """The input is wrong. Names every mistake at once, one a line."""

    exit_code = 2

    def __init__(self, mistakes: Sequence[Mistake] | str, hint: str = "") -> None:
        self.mistakes = () if isinstance(mistakes, str) else tuple(mistakes)
        message = mistakes if isinstance(mistakes, str) else "\n".join(map(str, mistakes))
        super().__init__(message, hint)


class UnknownJob(InvalidInput):
    """No job goes by this id or name, or several do."""


class UnknownModel(InvalidInput):
    """No model, version or alias goes by this name."""


class QueueUnreachable(FitqError):
    """Redis does not answer, or refuses us."""

    exit_code = 3


class StoreError(FitqError):
    """The artifact store cannot be read or written.

    `passing` says that the storage failed, not what was asked of it: trying again may help.
    """

    def __init__(self, message: str, hint: str = "", *, passing: bool = False) -> None:
        super().__init__(message, hint)
        self.passing = passing


class StackError(FitqError):
    """A part of the local stack does not start or stop."""


class JobFailed(FitqError):
    """A job or a sweep that was waited for has failed or was cancelled: the message says why."""


class NotEnded(FitqError, TimeoutError):
    """A job or a sweep has not ended in the time that it was given, and goes on."""


class JobError(FitqError):
    """A job failed for the reason given; `kind` is the word that its record keeps."""

    kind = "error"


class BadJob(JobError):
    """The job cannot work as it was asked for: running it again would not help."""

    kind = "bad-job"


class Diverged(BadJob):
    """A training whose loss is no number any more: with these values nothing is learnt."""

    kind = "diverged"
