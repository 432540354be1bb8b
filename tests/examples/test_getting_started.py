"""The worked example, as `make demo` runs it. Its whole length is run by hand and in soaks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from support.waiting import wait_until

EXAMPLE = Path(__file__).parents[2] / "examples" / "getting_started.py"


class Demo:
    """The example in a process of its own, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder / "output.txt"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("FITQ_")}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(EXAMPLE)],
                cwd=folder,
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def text(self) -> str:
        """All that it has printed."""
        return self.output.read_text(errors="replace")

    def wait_for(self, words: str) -> None:
        """Wait until it has printed these words."""

        def printed() -> bool:
            assert self.process.poll() is None, self.text()
            return words in self.text()

        wait_until(printed, 180, words)

    def left_behind(self) -> list[psutil.Process]:
        """Processes that live in its folder."""
        found = []
        for process in psutil.process_iter():
            try:
                if Path(process.cwd()).is_relative_to(self.folder):
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return found


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    started = Demo(tmp_path)
    yield started
    for process in started.left_behind():
        process.kill()


def test_ctrl_c_in_a_training_leaves_no_process(demo: Demo) -> None:
    # Given the example in the middle of its first training
    demo.wait_for("epoch 1/30")
    # When Ctrl-C reaches it and the command that it runs
    os.killpg(demo.process.pid, signal.SIGINT)
    # Then it ends as interrupted, having stopped what it started
    assert demo.process.wait(timeout=120) == 130
    assert "The stack is down" in demo.text()
    assert "Traceback" not in demo.text()
    assert demo.left_behind() == []


def test_a_step_that_fails_leaves_no_process(tmp_path: Path) -> None:
    # Given a volume in which no job can make its folder
    volume = tmp_path / ".fitq" / "volume"
    volume.mkdir(parents=True)
    (volume / "jobs").write_text("in the way")
    # When the example runs
    demo = Demo(tmp_path)
    # Then it ends with the failure's code and reason, having stopped what it started
    assert demo.process.wait(timeout=180) == 1
    assert "cannot" in demo.text()
    assert str(volume) in demo.text()
    assert "The stack is down" in demo.text()
    assert demo.left_behind() == []


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_the_whole_example(demo: Demo) -> None:
    # When the example runs to its end
    code = demo.process.wait(timeout=1700)
    # Then all that it checks itself holds, and nothing is left
    assert code == 0, demo.text()
    assert "first six predictions: 7 2 1 0 4 1" in demo.text()
    assert demo.left_behind() == []
