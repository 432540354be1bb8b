"""The notebook runs from its first cell to its last, as a person runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fitq_shared.settings import Settings
from support.worker import Worker

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

NOTEBOOK = Path(__file__).parents[2] / "examples" / "notebook.ipynb"

pytestmark = pytest.mark.services


def test_notebook(
    session_settings: Settings,
    shared_worker: Worker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a queue and a store that the environment names
    monkeypatch.setenv("FITQ_REDIS_URL", session_settings.redis_url)
    monkeypatch.setenv("FITQ_STORE", session_settings.store_url or "")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    # When all cells are run
    kernel = nbclient.NotebookClient(
        notebook, timeout=240, resources={"metadata": {"path": str(tmp_path)}}
    )
    kernel.execute()
    # Then the job was shown live, with a bar, and has learnt
    outputs = {cell["id"]: cell.get("outputs", []) for cell in notebook.cells}
    shown = outputs["cell-5"]
    assert "epoch 20/20" in shown[0]["data"]["text/html"]
    assert "succeeded" in shown[-1]["data"]["text/plain"]
    [said] = outputs["cell-8"]
    assert float(said["data"]["text/plain"]) > 0.8
    assert "<Job" in outputs["cell-10"][0]["data"]["text/plain"]
