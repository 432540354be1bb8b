"""Two inputs through shared layers, and a layer of one's own."""

from __future__ import annotations

from pathlib import Path

from fitq.queue import Queue
from support.examples import load_module, run_example


def test_siamese(client: Queue, tmp_path: Path) -> None:
    # Given pairs of digits; when the example is run
    session = run_example("siamese", tmp_path, client.settings)
    # Then what it left takes two images, with its own layer
    load_module(session.folder / "net.py", "siamese_net")
    model = session.model("siamese")
    assert sorted(tensor.name for tensor in model.inputs) == ["left", "right"]
    assert [layer.name for layer in model.layers].count("tower") == 1
    # And tells of each pair of the test split whether it is one digit
    assert session.predictions("siamese-predictions")
    assert session.job("siamese-predictions").metrics["rows"] == 100
