"""Virtual environments that are made new, and the client in one, far from any TensorFlow."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import missing
from fitq_shared.settings import Settings

ROOT = Path(__file__).parents[2]


def environment(**variables: str) -> dict[str, str]:
    """The user's own environment, with these variables and without those that lead to us."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("FITQ_", "PYTHON", "COV_")) and name != "FORCE_COLOR"
    }
    return inherited | variables


@dataclass(frozen=True)
class Ran:
    """What a program left: its exit code, and what it printed where."""

    code: int
    out: str
    err: str


class Place:
    """A virtual environment, with nothing in it but what is installed here, and not in place.

    It has no pip of its own (which Debian keeps apart): the pip of the tests fills it.
    """

    def __init__(self, folder: Path, python: str = sys.executable) -> None:
        self.folder = folder
        subprocess.run([python, "-m", "venv", "--without-pip", str(folder)], check=True)

    def program(self, name: str) -> str:
        return str(self.folder / "bin" / name)

    def run(self, *command: str, folder: Path, together: bool = False, **variables: str) -> Ran:
        """Run one of its programs; what it prints is kept apart, or as a terminal shows it."""
        ran = subprocess.run(
            [self.program(command[0]), *command[1:]],
            cwd=folder,
            env=environment(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if together else subprocess.PIPE,
            text=True,
            timeout=240,
            check=False,
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr or "")

    def install(self, *projects: str) -> None:
        """Install projects of this repository, as a user does, in the versions we know."""
        command = [
            *(sys.executable, "-m", "pip", "--python", self.program("python"), "install"),
            *("--no-input", "--no-compile", "-c", str(ROOT / "constraints.txt")),
            *(str(ROOT / project) for project in projects),
        ]
        ran = subprocess.run(
            command,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if ran.returncode and "Retrying (" in ran.stdout:
            missing("a package registry that pip can reach")
        assert ran.returncode == 0, ran.stdout[-3000:]

    def python(self, code: str) -> str:
        """What a program prints that Python runs there."""
        lost = "redis://127.0.0.1:1"
        ran = self.run("python", "-c", code, folder=self.folder, FITQ_REDIS_URL=lost)
        assert ran.code == 0, ran.err
        return ran.out


@pytest.fixture(scope="session")
def make_place(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Place]:
    """Make a virtual environment, with this Python or another."""

    def make(python: str = sys.executable) -> Place:
        return Place(tmp_path_factory.mktemp("place") / "venv", python)

    return make


@pytest.fixture(scope="session")
def laptop(make_place: Callable[..., Place]) -> Place:
    """A place with the client and its way to a store elsewhere; no worker, no stack."""
    place = make_place()
    place.install("shared", "client[webdav]")
    return place


@pytest.fixture(scope="session")
def fitq(
    laptop: Place, session_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Ran]:
    """Run the laptop's `fitq` on the queue of the shared worker; with a store if told so."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")

    def run(*arguments: str, store: bool = False, folder: Path = elsewhere) -> Ran:
        variables = {"FITQ_REDIS_URL": session_settings.redis_url}
        if store:
            variables["FITQ_STORE"] = session_settings.store_url or ""
        return laptop.run("fitq", *arguments, folder=folder, **variables)

    return run
