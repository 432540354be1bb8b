"""The three distributions on the newer Pythons, without TensorFlow."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

IMPORT_ALL = """
import importlib, pkgutil, sys
import fitq, fitq_shared, fitq_worker.cli
for package in fitq, fitq_shared:
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if module.name != "fitq_shared.webdav":  # it needs an extra
            importlib.import_module(module.name)
print(*sys.version_info[:2], sep=".")
"""


def find_python(version: str) -> str:
    """An interpreter of this version that works. A command of that name may be there and not."""
    program = shutil.which(f"python{version}")
    if program is None:
        pytest.skip(f"Python {version} is not here")
    ran = subprocess.run(
        [program, "-c", "import sys, venv; print(sys.executable)"],
        env={**os.environ, "PYENV_VERSION": version},  # or pyenv's command gives no answer
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        pytest.skip(f"Python {version} is not here, or has no venv")
    return ran.stdout.strip()


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_installs_and_imports(make_place, version):
    # Given a newer Python
    place = make_place(find_python(version))

    # When the three distributions are installed there
    place.install("shared", "client", "worker")

    # Then all that needs no Keras can be imported
    assert place.python(IMPORT_ALL).strip() == version

    # And both programs run
    for program in ("fitq", "fitq-worker"):
        shown = subprocess.run(
            [place.program(program), "--version"], capture_output=True, text=True, check=True
        )
        assert program in shown.stdout
