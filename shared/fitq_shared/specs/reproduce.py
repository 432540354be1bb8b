"""The spec of a job that trains a model again."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fitq_shared.specs.base import AnyModel, JobSpec

MOST_THREADS = 4096


class ReproduceJob(JobSpec):
    """Train again what a job has trained, from the same spec, and compare to the bit.

    `threads` is how many threads one operation may use, as the first training had them: another
    number changes the last digits. `code` says that the training runs the user's code.
    """

    kind: Literal["reproduce"] = "reproduce"
    model: AnyModel
    threads: Annotated[int, Field(strict=True, ge=1, le=MOST_THREADS)] | None = None
    code: Annotated[bool, Field(strict=True)] = False

    @property
    def summary(self) -> str:
        """For example: brave-otter once more."""
        return f"{self.model.name} once more"

    @property
    def runs_code(self) -> bool:
        """Whether the training runs the user's code."""
        return self.code or self.model.code

    @property
    def fixed_threads(self) -> int | None:
        """The threads of the first training."""
        return self.threads
