from __future__ import annotations

import subprocess
import sys

import pytest

# A parent and its child, which was forked before either of them set a flag.
SCRIPT = """
import os
from fitq_worker import flags

def seen():
    return f"{{flags.draining():d}}{{flags.warm():d}}"

told, tell = os.pipe()
asked, answer = os.pipe()
before = seen()
child = os.fork()
if child == 0:
    if {warm}:
        flags.set_warm()
    os.write(answer, b"x")
    os.read(told, 1)
    os._exit(int(seen(), 2))
os.read(asked, 1)
if {drain}:
    flags.start_draining()
os.write(tell, b"x")
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(before, seen(), f"{{code:02b}}")
"""


@pytest.mark.parametrize("drain", [False, True])
@pytest.mark.parametrize("warm", [False, True])
def test_each_sees_what_the_other_has_said_after_the_fork(drain: bool, warm: bool) -> None:
    # When the parent drains or does not, and the child is warm or is not
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(drain=drain, warm=warm)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    # Then no flag was set before, and both see the same: first drain, then warm
    both = f"{drain:d}{warm:d}"
    assert done.stdout.split() == ["00", both, both]
