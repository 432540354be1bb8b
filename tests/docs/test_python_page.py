"""What docs/python.md shows is what Python does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fitq_shared.settings import Settings
from support.python_page import run_page
from support.worker import Worker

pytest.importorskip("keras")

PAGE = Path(__file__).parents[2] / "docs" / "python.md"

pytestmark = pytest.mark.services


def test_the_examples_of_the_page_print_what_it_says(
    session_settings: Settings,
    shared_worker: Worker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a queue and a store that the environment names
    monkeypatch.setenv("FITQ_REDIS_URL", session_settings.redis_url)
    monkeypatch.setenv("FITQ_STORE", session_settings.store_url or "")
    monkeypatch.chdir(tmp_path)
    # When the page is run
    shown = run_page(PAGE)
    # Then each block prints what follows it, apart from ids, hosts and measured numbers
    assert len(shown) == 7
    for expected, printed in shown:
        assert _plain(printed) == _plain(expected)


def _plain(text: str) -> str:
    text = re.sub(r"\([a-z0-9]{8}\)", "(id)", text)
    text = re.sub(r"waiting: .*\n", "", text)
    text = re.sub(r"runs on .*", "runs on a worker", text)
    return re.sub(r"\d+\.\d+", "0.0", text)
