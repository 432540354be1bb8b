from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fitq_worker.datasets.sources.program import run
from fitq_worker.datasets.sources.source import SourceUnavailable

Program = Callable[[str, str], None]


def test_a_program_runs_in_the_folder(program: Program, tmp_path: Path) -> None:
    program("packer", 'echo "$1" > made')
    run(["packer", "this"], tmp_path, 60)
    assert (tmp_path / "made").read_text() == "this\n"


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="no-such-packer is not installed"):
        run(["no-such-packer"], tmp_path, 60)


def test_the_reason_of_a_failure_is_the_last_complaint(program: Program, tmp_path: Path) -> None:
    program("packer", "echo W: first >&2; echo E: no such package >&2; exit 100")
    with pytest.raises(
        SourceUnavailable, match=r"`packer get` failed \(100\): E: no such package$"
    ):
        run(["packer", "get"], tmp_path, 60)


def test_a_failure_without_a_complaint_says_so(program: Program, tmp_path: Path) -> None:
    program("packer", "exit 3")
    with pytest.raises(SourceUnavailable, match=r"failed \(3\): it does not say why"):
        run(["packer"], tmp_path, 60)


def test_a_program_that_hangs_is_killed_with_all_it_started(
    program: Program, tmp_path: Path
) -> None:
    # Given a program that waits for a child which holds a pipe to us
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    program("packer", f"sleep 1000 > {pipe} & wait")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    # When it runs out of time
    with pytest.raises(SourceUnavailable, match=r"was not done within 0\.5 s"):
        run(["packer"], tmp_path, 0.5)

    # Then the pipe has come to its end: the child is gone too
    os.set_blocking(reader, True)
    assert os.read(reader, 1) == b""
    os.close(reader)


def test_a_file_that_is_no_program_is_unavailable(program: Program, tmp_path: Path) -> None:
    program("packer", "")
    (tmp_path / "bin" / "packer").write_bytes(b"\x7fELF")
    with pytest.raises(SourceUnavailable, match="cannot run"):
        run(["packer"], tmp_path, 60)
