"""A training step of one's own."""

from __future__ import annotations

from pathlib import Path

from fitq.queue import Queue
from support.examples import load_module, run_example


def test_vae(client: Queue, tmp_path: Path) -> None:
    # Given a model with its own training step and loss; when the example is run
    session = run_example("vae", tmp_path, client.settings)
    # Then its own loss was measured, in training and in evaluation
    assert session.job("vae").metrics["kl_loss"] > 0
    assert session.job("vae-test").metrics["kl_loss"] > 0
    # And what it left is of its own class, and makes images
    load_module(session.folder / "net.py", "vae_net")
    assert type(session.model("vae")).__name__ == "Vae"
    shapes = [array.shape for array in session.predictions("vae-predictions").values()]
    assert (10000, 28, 28) in shapes
