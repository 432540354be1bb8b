"""Variants of a network, of which the best is promoted."""

from __future__ import annotations

import csv
from pathlib import Path

from fitq.queue import Queue
from support.examples import run_example


def test_sweep(client: Queue, tmp_path: Path) -> None:
    # Given a file that says what differs between the trials; when its example is run
    session = run_example("sweep", tmp_path, client.settings)
    # Then the best trial is shown, and holds the alias with which the example predicts
    assert "best: digits-" in session.output
    assert "digits@production is digits@" in session.output
    # And the table that was pulled has each trial, and the pictures are there
    report = session.folder / "report"
    rows = list(csv.DictReader((report / "trials.csv").read_text().splitlines()))
    assert [row["name"] for row in rows] == ["digits-1", "digits-2", "digits-3"]
    assert {"activation", "units", "learning_rate", "dropout", "val_accuracy"} <= rows[0].keys()
    assert (report / "parallel.png").read_bytes().startswith(b"\x89PNG")
    assert (report / "importance.png").read_bytes().startswith(b"\x89PNG")
