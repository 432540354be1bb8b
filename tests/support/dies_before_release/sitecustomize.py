"""Planted: the whole worker is killed at the moment at which it would let go what comes after."""

import os
import signal

from fitq_shared import dispatch


def die_if_any(app, changes):
    if changes.unsettled():
        os.killpg(os.getpgid(0), signal.SIGKILL)


dispatch.settle_all = die_if_any
