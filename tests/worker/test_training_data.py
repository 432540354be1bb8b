"""The rows of a training, before there is a model."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fitq_shared.specs.train import TrainJob
from fitq_worker import training_data
from fitq_worker.datasets.columns import ArrayColumn, Table
from fitq_worker.reporter import StopJob
from fitq_worker.training_data import load_training_data

ROWS = 50
GROUP = {"by": "stratified", "column": "kind"}


@pytest.mark.parametrize(
    ("gone_through_by", "given"),
    [
        ("a split by a column", {"split": GROUP}),
        ("steps that learn", {"preprocessing": {"size": [{"type": "normalize"}]}}),
        ("classes that nobody has named", {"loss": "sparse_categorical_crossentropy"}),
    ],
)
def test_a_job_obeys_while_its_rows_are_gone_through(
    monkeypatch: pytest.MonkeyPatch, gone_through_by: str, given: dict[str, Any]
) -> None:
    # Given data whose rows are gone through before there is a model
    size, kind = np.arange(ROWS, dtype=np.float32), (np.arange(ROWS) % 2).astype(np.int64)
    data = Table({"size": ArrayColumn(size)}, {"kind": ArrayColumn(kind)})
    monkeypatch.setattr(training_data, "learnt_from", lambda *_: data)
    common = {"name": "one", "owner": "ann", "dataset": "mnist"}
    spec = TrainJob.parse({**common, "model": {"type": "mlp"}, **given})
    asked = 0

    def obey() -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise StopJob("drain")

    context: Any = SimpleNamespace(reporter=SimpleNamespace(obey=obey))
    # When the order to stop comes after the data was loaded
    with pytest.raises(StopJob):
        load_training_data(context, spec)
    # Then it is obeyed there
    assert asked == 2, gone_through_by
