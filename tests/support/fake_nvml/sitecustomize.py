"""Makes each Python process that finds this file see the GPUs of the file FAKE_NVML.

With FAKE_CELERY a worker only holds what it has claimed, by its real keeper, and runs no jobs:
that needs no Keras.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from fake_nvml import FakeNvml

sys.modules["pynvml"] = FakeNvml(Path(os.environ["FAKE_NVML"]))


def hold(identity: object, holding: object, log_level: str) -> None:
    """What `fitq-worker` becomes instead of Celery."""
    from fitq_shared.settings import Settings
    from fitq_worker import flags
    from fitq_worker.identity import Identity
    from fitq_worker.keeper import Keeper

    assert isinstance(identity, Identity)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    flags.set_warm()
    keeper = Keeper(Settings.load(), identity)
    keeper.start()
    signal.sigwait({signal.SIGTERM})
    keeper.stop()
    sys.exit(keeper.exit_code)


if os.environ.get("FAKE_CELERY"):
    from fitq_worker import cli

    cli._become_celery = hold  # type: ignore[assignment]
else:
    from fitq_worker import child

    # TensorFlow works on the CPU here.
    child.check_gpus = lambda identity, seen: None
