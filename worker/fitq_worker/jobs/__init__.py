"""What each kind of job does: one file, one function each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fitq_worker.job_context import JobContext
from fitq_worker.jobs import (
    check,
    describe,
    evaluate,
    export,
    predict,
    promote,
    reproduce,
    sweep_report,
    train,
)

Handler = Callable[[JobContext, Any], dict[str, float]]

HANDLERS: dict[str, Handler] = {
    "train": train.run,
    "evaluate": evaluate.run,
    "predict": predict.run,
    "describe": describe.run,
    "check": check.run,
    "promote": promote.run,
    "export": export.run,
    "reproduce": reproduce.run,
    "sweep_report": sweep_report.run,
}
