"""Copying what a job has published to a folder of this machine."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.errors import StoreError


def pull(folder: AttemptFolder, manifest: str, target: Path, within: str = "") -> list[str]:
    """Copy published artifacts, each checked against its sum.

    Args:
        manifest: the sum of the manifest, as the job's record has it.
        within: only those in this folder of theirs, whose name is left out then.

    Returns:
        The names of the copies.

    Raises:
        StoreError: an artifact is damaged, would leave the target, or cannot be written.
    """
    copied = []
    for name, expected in folder.sums(manifest).items():
        if within and not name.startswith(f"{within}/"):
            continue
        copy = name.removeprefix(f"{within}/") if within else name
        if PurePosixPath(copy).is_absolute() or ".." in PurePosixPath(copy).parts:
            raise StoreError(
                f"{name!r} in the manifest leaves the folder", "ask who runs the worker"
            )
        _write(target / copy, folder.read_checked(name, expected))
        copied.append(copy)
    return copied


def counted(files: int) -> str:
    """For example: 1 file, 4 files."""
    return f"{files} file{'' if files == 1 else 's'}"


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}", "give another TARGET") from None
