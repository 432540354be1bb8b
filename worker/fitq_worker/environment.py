"""Where and with what a job ran."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from fitq_worker import __version__, backend

if TYPE_CHECKING:
    from fitq_worker.identity import Identity

PACKAGES = ("celery", "fitq-shared", "fitq-worker", "kombu", "matplotlib", "numpy", "redis")


def describe_environment(identity: Identity, seed: int | None = None) -> dict[str, object]:
    """Python, packages, device, host, threads, seed, and the git revision where there is one."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "fitq": __version__,
        "packages": {**_packages(), **backend.versions()},
        "device": {
            "kind": identity.device,
            "name": identity.device_name,
            "count": identity.units,
            "share": identity.share,
        },
        "worker": identity.name,
        "host": {
            "name": identity.host,
            "cores": os.cpu_count(),
            "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        },
        "threads": backend.threads(),
        "seed": seed,
        "git_revision": _git_revision(),
    }


def _packages() -> dict[str, str]:
    return {name: metadata.version(name) for name in PACKAGES}


def _git_revision() -> str | None:
    """The revision of the checkout that the worker's code comes from."""
    here = Path(__file__).parent
    # Only if this file belongs to that repository: a virtual environment may lie in any.
    if _git(here, "ls-files", "--error-unmatch", Path(__file__).name) is None:
        return None
    return _git(here, "rev-parse", "HEAD")


def _git(folder: Path, *words: str) -> str | None:
    """What a git command prints, or None where it fails."""
    command = ["git", "-C", str(folder), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
