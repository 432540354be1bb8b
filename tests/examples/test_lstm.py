"""A sequence model on data that a package ships."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fitq.queue import Queue
from support.examples import run_example


def test_lstm(client: Queue, tmp_path: Path) -> None:
    # Given windows of a recording, of their own splits; when the example is run
    session = run_example("lstm", tmp_path, client.settings)
    # Then what it left tells a number for each sequence of the test split
    with np.load(session.folder / "cell.npz") as cell:
        model = session.model("lstm")
        expected = model.predict(cell["x_test"], verbose=0)
    assert any("LSTM" in type(layer).__name__ for layer in model.layers)
    found = [a for a in session.predictions("lstm-predictions").values() if a.dtype == np.float32]
    assert any(np.allclose(array.ravel(), expected.ravel(), atol=1e-6) for array in found)
    assert "mean_absolute_error" in session.job("lstm-test").metrics
