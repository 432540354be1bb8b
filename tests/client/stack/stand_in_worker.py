"""Announces itself as a worker does, without importing Keras."""

import os
import signal
import sys
import time

from fitq_shared.redis_link import open_redis
from fitq_shared.settings import Settings
from fitq_shared.workers import WorkerInfo, announce

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("stand-in worker:", *sys.argv[1:])  # noqa: T201
link = open_redis(Settings.load(), patient=True)
info = WorkerInfo(
    token=f"token-{os.getpid()}",
    name=f"stand-in-{os.getpid()}",
    host="here",
    pid=os.getpid(),
    device="cpu",
    device_name=" ".join(sys.argv[1:]),
    state="ready",
    version="0",
    since=time.time(),
)
while True:
    announce(link, info, 3)
    time.sleep(0.5)
