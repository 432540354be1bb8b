"""Which rows of a data set a job has worked on, as its record says it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RowsUsed:
    """The rows that a model was measured by, or that it has predicted.

    `split` is the part that they are: train, validation, test or all. `digest` is a SHA-256 of
    which rows these are, cut short: of two jobs on one data set with the same digest, both have
    used the same rows.
    """

    split: str
    rows: int
    digest: str

    def __post_init__(self) -> None:
        """A record may have been forged.

        Raises:
            TypeError: these are other values than such a record has.
        """
        if not (type(self.rows) is int and isinstance(self.split, str)):
            raise TypeError("rows are a number, a split is text")
        if not isinstance(self.digest, str):
            raise TypeError("a digest is text")
