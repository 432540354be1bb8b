"""A worker waits for its volume, and not for longer than it must."""

from __future__ import annotations

from pathlib import Path

import pytest

from fitq_shared.store import Store
from fitq_worker import flags, volume_probe
from fitq_worker.volume_probe import wait_until_writable


def test_a_volume_that_can_be_written_is_not_waited_for(tmp_path: Path) -> None:
    # Given a volume with room
    store = Store(str(tmp_path))
    # When it is probed
    wait_until_writable(store, "a1")
    # Then nothing of it stays
    assert store.files("") == []


def test_a_volume_that_cannot_be_written_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a volume whose place is taken by a file, until the second look
    place = tmp_path / "volume"
    place.write_text("in the way")
    looks: list[float] = []

    def look(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            place.unlink()

    monkeypatch.setattr(volume_probe.time, "sleep", look)
    # When a worker waits for it
    wait_until_writable(Store(str(place)), "a1")
    # Then it has waited until then
    assert len(looks) == 2
    assert place.is_dir()


def test_a_worker_that_is_to_leave_does_not_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "volume"
    place.write_text("in the way")
    monkeypatch.setattr(flags, "draining", lambda: True)
    wait_until_writable(Store(str(place)), "a1")
    assert place.is_file()
