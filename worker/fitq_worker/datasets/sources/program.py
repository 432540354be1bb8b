"""Run a package manager's client, with a limit on its time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from fitq_worker.datasets.sources.source import SourceUnavailable


def run(command: Sequence[str], folder: Path, seconds: float) -> None:
    """Run a program to its end in a folder; what it prints is dropped.

    Raises:
        SourceUnavailable: it is not installed, fails (the reason is its last line of
            complaint), or is not done in time; then it and all that it started are killed.
    """
    program = shutil.which(command[0])
    if program is None:
        raise SourceUnavailable(f"{command[0]} is not installed")
    try:
        process = subprocess.Popen(
            [program, *command[1:]],
            cwd=folder,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise SourceUnavailable(f"cannot run {program}: {error.strerror or error}") from error
    with process:
        try:
            _, complaints = process.communicate(timeout=seconds)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                reason = f"`{' '.join(command)}` was not done within {seconds:g} s"
                raise SourceUnavailable(reason) from error
            raise
    if process.returncode != 0:
        last = (complaints.strip().splitlines() or ["it does not say why"])[-1]
        raise SourceUnavailable(f"`{' '.join(command)}` failed ({process.returncode}): {last}")
