"""GPUs that are not there, and cores that are not ours."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fitq_worker.devices import demands, gpus
from support.fake_nvml.fake_nvml import FakeNvml, describe


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeNvml:
    """No driver, until the file tells of GPUs; nothing hides them."""
    fake = FakeNvml(tmp_path / "gpus.json")
    monkeypatch.setattr(gpus, "pynvml", fake)
    monkeypatch.delenv("NVIDIA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return fake


@pytest.fixture
def four_gpus(nvml: FakeNvml) -> FakeNvml:
    nvml.file.write_text(describe(4))
    return nvml


@pytest.fixture
def eight_cores(monkeypatch: pytest.MonkeyPatch, quota: Callable[[float | None], None]) -> None:
    """This process may use cores 0 to 5, 8 and 9, all of them fully."""
    usable = {0, 1, 2, 3, 4, 5, 8, 9}
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: usable)
    quota(None)


@pytest.fixture
def quota(monkeypatch: pytest.MonkeyPatch) -> Callable[[float | None], None]:
    """Set how many cores' time the control groups allow."""
    return lambda cores: monkeypatch.setattr(demands, "cpu_quota", lambda: cores)
