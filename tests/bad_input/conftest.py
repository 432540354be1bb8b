"""`fitq` as a user types it, with one worker behind it, and what must be so when it says no."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitq_shared.settings import Settings
from support.worker import Worker

TINY = ("datasets", "add", "tiny", "tiny.npz", "--target", "y")


@pytest.fixture(autouse=True)
def served(
    nowhere: Path,
    session_settings: Settings,
    shared_worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The environment names the queue and the store of the shared worker."""
    monkeypatch.setenv("FITQ_REDIS_URL", session_settings.redis_url)
    monkeypatch.setenv("FITQ_STORE", session_settings.store_url or "")


@pytest.fixture
def save(nowhere: Path) -> Callable[..., None]:
    """Write arrays to an .npz file here."""

    def write(name: str, **arrays: Any) -> None:
        np.savez(nowhere / name, **arrays)

    return write


@pytest.fixture
def tiny(fitq: Callable[..., Any], save: Callable[..., None]) -> str:
    """A registered data set: 24 rows of 4 numbers `x`, and a target `y` of 3 classes."""
    x = np.arange(96, dtype=np.float32).reshape(24, 4) / 96
    save("tiny.npz", x=x, y=np.arange(24) % 3)
    ran = fitq(*TINY)
    assert ran.code == 0, ran.err
    return "tiny"


@pytest.fixture
def refused(fitq: Callable[..., Any]) -> Callable[..., str]:
    """Run what is wrong use: exit code 2, and no job is made. Gives the message."""

    def run(*arguments: object) -> str:
        before = _jobs(fitq)
        ran = fitq(*arguments)
        assert (ran.code, ran.out) == (2, ""), ran.out + ran.err
        assert "Traceback" not in ran.err
        assert _jobs(fitq) == before
        return " ".join(ran.err.split())

    return run


@pytest.fixture
def failed(fitq: Callable[..., Any]) -> Callable[..., str]:
    """Run what makes a job fail: exit code 1. Gives the message.

    The job is still there, with its reason and a log, both in the user's words.
    """

    def run(*arguments: object, kind: str = "bad-job") -> str:
        ran = fitq(*arguments)
        assert ran.code == 1, ran.out + ran.err
        assert "Traceback" not in ran.out + ran.err
        job = re.search(r"job (\S+) \(", ran.err)
        assert job, ran.err
        record = fitq("show", job[1], "--json").json
        assert (record["state"], record["reason"]["kind"]) == ("failed", kind)
        log = fitq("logs", job[1])
        assert log.code == 0
        assert "Traceback" not in log.out
        said: str = ran.err[job.end() :]
        assert "  try: " in said
        return " ".join(said.split())

    return run


def _jobs(fitq: Callable[..., Any]) -> list[str]:
    return [job["id"] for job in json.loads(fitq("jobs", "--json").out)]
