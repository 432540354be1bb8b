"""The spec of the job that reports on a sweep whose trials have ended."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from fitq_shared.specs.base import InputFile, JobSpec


class SweepReportJob(JobSpec):
    """Draw which values were good and which parameters mattered, and write down all trials.

    `table` holds the sweep and its trials as JSON, as they were when the report was asked for.
    """

    kind: Literal["sweep_report"] = "sweep_report"
    sweep: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,16}$")]
    table: InputFile

    @property
    def summary(self) -> str:
        """For example: report on sweep 3fk2mq7x."""
        return f"report on sweep {self.sweep}"
