from __future__ import annotations

import subprocess
import sys

# A parent, and a child that was forked before the parent was told to drain.
SCRIPT = """
import os
from fitq_worker import drain

before = drain.requested()
told, tell = os.pipe()
asked, answer = os.pipe()
child = os.fork()
if child == 0:
    first = drain.requested()
    os.write(answer, b"x")
    os.read(told, 1)
    os._exit(10 * first + drain.requested())
os.read(asked, 1)
if {drained}:
    drain.start()
os.write(tell, b"x")
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(before, drain.requested(), code)
"""


def answers(*, drained: bool) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(drained=drained)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.split()


def test_a_child_sees_what_its_parent_was_told_after_the_fork() -> None:
    assert answers(drained=True) == ["False", "True", "1"]


def test_without_being_told_nobody_drains() -> None:
    assert answers(drained=False) == ["False", "False", "0"]
