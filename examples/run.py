"""Run one of the examples: a folder with an example.toml beside this file.

    python examples/run.py NAME [--small]

Starts a local stack in this folder, unless one is up, runs the example's commands in a copy of
its folder, .fitq/examples/NAME, as a person would type them, and stops what it started.
`--small` takes the small values of the example: fewer rows and epochs.
"""

from __future__ import annotations

import argparse
import contextlib
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parent
PROGRAMS = Path(sys.executable).parent


def main() -> int:
    """Run the example that the command line names; the exit code of the command that failed."""
    signal.signal(signal.SIGTERM, leave)
    names = sorted(path.parent.name for path in EXAMPLES.glob("*/example.toml"))
    parser = argparse.ArgumentParser(description="Run one of the examples.")
    parser.add_argument("name", choices=names)
    parser.add_argument("--small", action="store_true", help="with fewer rows and epochs")
    chosen = parser.parse_args()
    with stack():
        folder = copy(chosen.name, Path(".fitq/examples"))
        for line in lines(chosen.name, small=chosen.small):
            run(line, folder)
    print(f"\nwhat it left is in {folder}")
    return 0


def lines(name: str, *, small: bool) -> list[str]:
    """The commands of an example, with its full or its small values."""
    example: dict[str, Any] = tomllib.loads((EXAMPLES / name / "example.toml").read_text())
    size = "small" if small else "full"
    values = {key: choice[size] for key, choice in example.get("values", {}).items()}
    return [" ".join(line.format(**values).split()) for line in example["commands"]]


def copy(name: str, into: Path) -> Path:
    """A fresh copy of an example's folder, for what its commands write."""
    folder = into / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder.resolve()


def run(line: str, folder: Path) -> None:
    """Show a command as a person would type it, and run it there. Ends the run if it fails."""
    print(f"\n$ {line}", flush=True)
    program, *words = shlex.split(line)
    code = subprocess.run([PROGRAMS / program, *words], cwd=folder, check=False).returncode
    if code != 0:
        raise SystemExit(code)


@contextlib.contextmanager
def stack() -> Iterator[None]:
    """The local stack, up within the block; one that was up before is left as it is."""
    was_up = Path(".fitq/stack.json").exists()
    try:
        run("fitq up", Path.cwd())
        yield
    finally:
        if not was_up:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            print("\n$ fitq down", flush=True)
            subprocess.run([PROGRAMS / "fitq", "down"], check=False)


def leave(*_: object) -> None:
    """End as SIGTERM ends a program, but by way of what is to be stopped."""
    raise SystemExit(143)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
