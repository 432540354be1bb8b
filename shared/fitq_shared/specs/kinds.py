"""The kinds of job there are."""

from __future__ import annotations

from collections.abc import Mapping

from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.specs.base import JobSpec
from fitq_shared.specs.check import CheckJob
from fitq_shared.specs.describe import DescribeJob
from fitq_shared.specs.evaluate import EvaluateJob
from fitq_shared.specs.export import ExportJob
from fitq_shared.specs.mistakes import unknown_choice
from fitq_shared.specs.predict import PredictJob
from fitq_shared.specs.promote import PromoteJob
from fitq_shared.specs.reproduce import ReproduceJob
from fitq_shared.specs.sweep_report import SweepReportJob
from fitq_shared.specs.train import TrainJob

KINDS: dict[str, type[JobSpec]] = {
    "train": TrainJob,
    "evaluate": EvaluateJob,
    "predict": PredictJob,
    "describe": DescribeJob,
    "check": CheckJob,
    "promote": PromoteJob,
    "export": ExportJob,
    "reproduce": ReproduceJob,
    "sweep_report": SweepReportJob,
}


def parse_spec(data: object) -> JobSpec:
    """The spec of whatever kind the values name.

    Raises:
        InvalidInput: an unknown kind, or anything that `JobSpec.parse` finds.
    """
    if not isinstance(data, Mapping):
        raise InvalidInput([Mistake("job", data, "a table of the fields that a job has")])
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise InvalidInput([unknown_choice("kind", kind, KINDS)])
    return KINDS[kind].parse(data)
