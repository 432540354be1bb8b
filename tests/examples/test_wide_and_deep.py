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
    # And both were measured on the rows that it had not seen
    names = session.job("homes-test").metrics
    assert any("price" in name for name in names)
    assert any("quick" in name for name in names)
    # And predicted for each row of the file
    assert session.job("homes-predictions").metrics["rows"] == 300
