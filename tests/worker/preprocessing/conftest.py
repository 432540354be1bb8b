"""Small tables, and preparations that were learnt from some of their rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from fitq_shared.model_files import check_model
from fitq_shared.specs.train import TrainJob
from fitq_worker.datasets.columns import ArrayColumn, Table
from fitq_worker.examples import Field
from fitq_worker.preprocessing.preparation import Preparation, prepare


class Named(ArrayColumn):
    """A column of categories by name."""

    @property
    def field(self) -> Field:
        return Field((), "str", kind="category")


def table(categories: tuple[str, ...] = (), **columns: Any) -> Table:
    """A table of these columns, some of them of categories."""
    return Table(
        {
            name: (Named if name in categories else ArrayColumn)(np.asarray(values))
            for name, values in columns.items()
        },
        {},
    )


@pytest.fixture
def learn() -> Callable[..., Preparation]:
    """Prepare the inputs of a table as a job declares it."""

    def make(
        examples: Table,
        steps: dict[str, Any] | None = None,
        rows: NDArray[np.int64] | None = None,
        seed: int = 1,
        **options: Any,
    ) -> Preparation:
        spec = TrainJob.parse(
            {
                "name": "one",
                "owner": "tester",
                "dataset": "mnist",
                "model": "mlp",
                "preprocessing": steps or {},
            }
        )
        if rows is None:
            rows = np.arange(len(examples))
        return prepare(spec.preprocessing, examples, rows, seed, **options)

    return make


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[keras.Model], keras.Model]:
    """A model as it comes back from its file, which is looked through first."""

    def make(model: keras.Model) -> keras.Model:
        path = tmp_path / "model.keras"
        model.save(path)
        with path.open("rb") as file:
            check_model(file, path.name)
        return keras.models.load_model(path, safe_mode=True)

    return make


def everything(examples: Table) -> dict[str, NDArray[Any]]:
    """All inputs of a table."""
    return examples.read(np.arange(len(examples)))[0]
