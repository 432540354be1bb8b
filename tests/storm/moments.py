"""The moments at which a fault hurts most, found by looking at the volume again and again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

TRAINING_SECONDS = 30.0
SEALING_SECONDS = 4.0
_PERIOD_SECONDS = 0.002
_ASK_AGAIN_SECONDS = 0.2


def about_to_seal(folder: Path, runs: Callable[[], bool]) -> bool:
    """Wait until an attempt has trained, and writes what comes before its manifest.

    Args:
        folder: the attempt's.
        runs: whether the attempt still runs.

    Returns:
        False when that moment did not come, or was missed.
    """
    end = time.monotonic() + TRAINING_SECONDS
    ask_again = 0.0
    while time.monotonic() < end:
        if (folder / "manifest.json").exists():
            return False
        if (folder / "model.keras").exists():
            return True
        if time.monotonic() > ask_again:
            if not runs():
                return False
            ask_again = time.monotonic() + _ASK_AGAIN_SECONDS
        time.sleep(_PERIOD_SECONDS)
    return False


def sealed(folder: Path) -> bool:
    """Wait for the manifest. False when it does not come soon."""
    end = time.monotonic() + SEALING_SECONDS
    while time.monotonic() < end:
        if (folder / "manifest.json").exists():
            return True
        time.sleep(_PERIOD_SECONDS)
    return False
