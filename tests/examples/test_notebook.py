"""The notebook runs from its first cell to its last, as a person runs it."""

from __future__ import annotations

from pathlib import Path

import nbformat

from fitq.queue import Queue
from support.examples import run_example


def test_notebook(client: Queue, tmp_path: Path) -> None:
    # Given a notebook with a Keras model and arrays at hand; when all its cells are run
    session = run_example("notebook", tmp_path, client.settings)
    # Then the job was shown live, with a bar, and has learnt
    notebook = nbformat.read(session.folder / "executed.ipynb", as_version=4)
    outputs = {cell["id"]: cell.get("outputs", []) for cell in notebook.cells}
    shown = outputs["cell-5"]
    assert "epoch 20/20" in shown[0]["data"]["text/html"]
    assert "succeeded" in shown[-1]["data"]["text/plain"]
    [said] = outputs["cell-8"]
    assert float(said["data"]["text/plain"]) > 0.8
    assert "<Job" in outputs["cell-10"][0]["data"]["text/plain"]
