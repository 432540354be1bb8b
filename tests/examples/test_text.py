"""Texts in folders by class."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from fitq.queue import Queue
from support.examples import run_example


def test_text(client: Queue, tmp_path: Path) -> None:
    # Given texts in folders; when the example is run
    session = run_example("text", tmp_path, client.settings)
    # Then what it left takes a text, and knows the classes by their folders' names
    model = session.model("text")
    found = model.predict(tf.constant(["the shape of an array of numbers"]), verbose=0)
    assert found.shape == (1, 3)
    names = session.predictions("text-predictions")["class_names"].tolist()
    assert names == ["networks", "numbers", "python"]
