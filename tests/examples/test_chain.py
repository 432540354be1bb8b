"""Train, evaluate, promote if better, predict, as one submission."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from fitq.queue import Queue
from support.examples import run_example


def test_chain(client: Queue, tmp_path: Path) -> None:
    # Given four links in a file; when its example is run
    session = run_example("chain", tmp_path, client.settings)
    # Then each link ran when those before it had succeeded, and measured the same model
    links = [session.job(f"digits-{link}") for link in ("train", "evaluate", "promote", "predict")]
    assert [record.started or 0 for record in links] == sorted(r.started or 0 for r in links)
    accuracy = links[1].metrics["accuracy"]
    assert links[3].metrics["accuracy"] == pytest.approx(accuracy, abs=1e-6)
    assert accuracy > 0.9
    # And the model became a version that the example shows
    assert "mnist@production" in session.output
    # And the table that it left has the class of each image of the test split
    with session.artifact("digits-predict", "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10000
    assert sum(row["class"] == row["true"] for row in rows) == round(accuracy * 10000)
