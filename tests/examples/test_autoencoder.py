"""A model whose target is its input."""

from __future__ import annotations

from pathlib import Path

from fitq.queue import Queue
from support.examples import run_example


def test_autoencoder(client: Queue, tmp_path: Path) -> None:
    # Given a network that ends with an image; when the example is run
    session = run_example("autoencoder", tmp_path, client.settings)
    # Then it was measured against its own input
    assert session.job("autoencoder-test").metrics["mean_absolute_error"] > 0
    # And it left an image for each image
    shapes = [array.shape for array in session.predictions("autoencoder-predictions").values()]
    assert (10000, 28, 28) in shapes
    assert session.model("autoencoder").output_shape == (None, 28, 28)
