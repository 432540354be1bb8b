"""Image classification with a network of one's own."""

from __future__ import annotations

from pathlib import Path

from fitq.queue import Queue
from support.examples import run_example


def test_cnn(client: Queue, tmp_path: Path) -> None:
    # Given a convolutional network in a file; when its example is run
    session = run_example("cnn", tmp_path, client.settings)
    # Then the network was looked at before it was trained
    assert "Conv2D" in session.output
    # And what it left is that network, which takes raw images
    model = session.model("cnn")
    assert model.input_shape == (None, 28, 28)
    assert [layer.filters for layer in model.layers if hasattr(layer, "filters")] == [4, 8]
    # And a class for each of the test images
    assert session.predictions("cnn-predictions")["probabilities"].shape == (10000, 10)
    assert (session.folder / "model" / "model.keras").exists()
