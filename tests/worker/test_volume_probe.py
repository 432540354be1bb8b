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


@pytest.mark.parametrize("left", ["nothing", "empty"])
def test_a_volume_that_is_gone_is_waited_for_and_not_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    # Given a volume that is gone until the second look, with its mount point or without
    place, elsewhere = tmp_path / "volume", tmp_path / "elsewhere"
    place.mkdir()
    store = Store(str(place), Store(str(place)).marked())
    place.rename(elsewhere)
    if left == "empty":
        place.mkdir()
    looks: list[list[Path]] = []

    def look(_: float) -> None:
        looks.append(list(tmp_path.glob("volume/**/*")))
        if len(looks) == 2:
            if left == "empty":
                place.rmdir()
            elsewhere.rename(place)

    monkeypatch.setattr(volume_probe.time, "sleep", look)
    # When a worker waits for it
    wait_until_writable(store, "a1")
    # Then it has waited until then, and nothing was made in its place
    assert looks == [[], []]
    assert store.is_there


def test_a_worker_that_is_to_leave_does_not_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "volume"
    place.write_text("in the way")
    monkeypatch.setattr(flags, "draining", lambda: True)
    wait_until_writable(Store(str(place)), "a1")
    assert place.is_file()
