"""A .keras file with frozen layers, trained further."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fitq.queue import Queue
from support.examples import run_example


def test_transfer(client: Queue, tmp_path: Path) -> None:
    # Given a trained network with a new head; when the example is run
    session = run_example("transfer", tmp_path, client.settings)
    # Then the frozen layers are as they were, and the head has learned
    base, transferred = session.model("base"), session.model("transfer")
    frozen = {layer.name: layer for layer in transferred.layers if not layer.trainable}
    kept = [layer for layer in base.layers if layer.name in frozen and layer.get_weights()]
    assert kept
    for layer in kept:
        for before, after in zip(
            layer.get_weights(), frozen[layer.name].get_weights(), strict=True
        ):
            assert np.array_equal(before, after)
    assert [layer.name for layer in transferred.layers if layer.trainable and layer.weights] == [
        "new_hidden",
        "new_label",
    ]
    assert session.job("transfer-test").metrics["accuracy"] > 0
