"""A volume of a few hundred megabytes that can really be full: a tmpfs mounted for the test."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

_FILLER = ".filler"
_PROBE = ".probe"
_UNSHARE = ("unshare", "--user", "--map-root-user", "--mount", "--")


class Volume:
    """A tmpfs under this folder. Needs the right to mount: root, or `namespace_command`.

    Args:
        size_mib: how much it holds.

    Raises:
        subprocess.CalledProcessError: mounting is not allowed here.
    """

    def __init__(self, folder: Path, size_mib: int) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        options = f"size={size_mib}m,mode=0755"
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "fitq-volume", str(folder)],
            check=True,
            capture_output=True,
            text=True,
        )

    def fill(self) -> bool:
        """Take all the room that is left. Returns whether a write of our own then fails."""
        with (self.folder / _FILLER).open("ab", buffering=0) as filler:
            try:
                for size in (1 << 20, 1 << 12):
                    _write_until_full(filler.fileno(), size)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
        return self.full()

    def full(self) -> bool:
        """Whether a write of our own meets ENOSPC."""
        probe = self.folder / _PROBE
        try:
            probe.write_bytes(bytes(8192))
        except OSError as error:
            return error.errno == errno.ENOSPC
        finally:
            probe.unlink(missing_ok=True)
        return False

    def free(self) -> None:
        """Give the room back."""
        (self.folder / _FILLER).unlink(missing_ok=True)

    def unmount(self) -> None:
        """Unmount it; what is in it is gone."""
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True, capture_output=True)


def namespace_command() -> list[str] | None:
    """What to put before a command so that it may mount: nothing, or a user namespace.

    Returns:
        None where neither is possible.
    """
    for prefix in ([], list(_UNSHARE)):
        trial = [*prefix, sys.executable, "-c", _TRIAL]
        done = subprocess.run(trial, capture_output=True, check=False)
        if done.returncode == 0:
            return prefix
    return None


# Mounts where nothing else is touched, and takes it away again.
_TRIAL = """
import subprocess, sys, tempfile
folder = tempfile.mkdtemp()
done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "trial", folder])
if done.returncode == 0:
    subprocess.run(["umount", folder])
subprocess.run(["rmdir", folder])
sys.exit(done.returncode)
"""


def _write_until_full(descriptor: int, size: int) -> None:
    block = bytes(size)
    try:
        while True:
            os.write(descriptor, block)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
