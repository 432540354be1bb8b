"""A CSV with categories, and two outputs."""

from __future__ import annotations

from pathlib import Path

from fitq.queue import Queue
from support.examples import run_example


def test_wide_and_deep(client: Queue, tmp_path: Path) -> None:
    # Given homes in a CSV; when the example is run
    session = run_example("wide_and_deep", tmp_path, client.settings)
    # Then what it left takes the columns as they are, and tells both targets
    model = session.model("homes")
    assert sorted(model.output_names) == ["price", "quick"]
    assert "district" in {tensor.name for tensor in model.inputs}
    # And both were learnt, as the rows tell that it had not seen: guesses are off by 99, and right
    # for 0.57
    metrics = session.job("homes-test").metrics
    assert metrics["price_mean_absolute_error"] < 60
    assert metrics["quick_accuracy"] > 0.75
    # And predicted for each row of the file
    assert session.job("homes-predictions").metrics["rows"] == 600
