"""The command `fitq-worker`: claims one device, then becomes a Celery worker on it."""

from __future__ import annotations

import importlib.util
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from pathlib import Path

import click

from fitq_shared.errors import FitqError, StoreError
from fitq_shared.lease import Lease
from fitq_shared.queues import queues_served_by
from fitq_shared.redis_link import Redis, open_redis, reporting_unreachable
from fitq_shared.settings import Settings
from fitq_shared.store import Store
from fitq_shared.workers import announce, drain_order, withdraw
from fitq_worker import __version__, health
from fitq_worker.devices import Device, find_devices
from fitq_worker.identity import Identity

log = logging.getLogger(__name__)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fitq-worker")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "gpu"]),
    default="auto",
    show_default=True,
    help="What to work on: a GPU that is free, the CPU, or a GPU where there is one.",
)
@click.option("--cores", help="CPU cores to use, such as 0-3 or 0,2. Default: all.")
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    help="How many threads one operation may use. Default: one for each core.",
)
@click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], case_sensitive=False),
    default="INFO",
    show_default=True,
    help="How much to log.",
)
def worker(device: str, cores: str | None, threads: int | None, log_level: str) -> None:
    """Take jobs from the queue and run them on one device.

    Waits while all its devices belong to other workers. Redis and the store come from
    FITQ_REDIS_URL and FITQ_STORE, or from the local stack of this folder.
    """
    logging.basicConfig(level=log_level.upper(), format="[%(asctime)s: %(levelname)s] %(message)s")
    settings = Settings.load()
    devices = find_devices(device, cores)
    _check_store(settings)
    _check_keras()
    with reporting_unreachable(settings):
        open_redis(settings).ping()
        identity, chosen = _claim(open_redis(settings, patient=True), devices, settings, threads)
    log.info("holds %s as %s", chosen.name, identity.name)
    _become_celery(identity, chosen, log_level)


def main() -> None:
    """Run `fitq-worker`; errors are printed here, with the exit codes of `fitq`."""
    try:
        worker.main(prog_name="fitq-worker", standalone_mode=False)
    except FitqError as error:
        click.echo(f"error: {error.message}", err=True)
        if error.hint:
            click.echo(f"  try: {error.hint}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)


def _check_store(settings: Settings) -> None:
    if not settings.store_url:
        raise StoreError("no store: FITQ_STORE is not set", "set it to the folder of the volume")
    folder = Store(settings.store_url).folder
    if folder is None or not folder.is_dir():
        raise StoreError(
            f"the store {settings.shown_store_url!r} is not a folder of this machine",
            "mount the volume, and give its folder as FITQ_STORE",
        )


def _check_keras() -> None:
    if importlib.util.find_spec("tensorflow") is None:
        raise FitqError(
            "TensorFlow is not installed here",
            "pip install 'fitq-worker[cpu]', or 'fitq-worker[gpu]' for NVIDIA GPUs",
        )


def _claim(
    redis: Redis, devices: list[Device], settings: Settings, threads: int | None
) -> tuple[Identity, Device]:
    """Take the lease of the first device that is free, waiting for as long as none is."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # leave the same way as on Ctrl-C
    token = secrets.token_hex(8)
    health.mark(token)
    since = redis.time()[0]
    pause = threading.Event()
    told = False
    while True:
        for device in devices:
            if Lease(redis, device.resource, token, settings.lease_seconds).acquire():
                return _identity(token, device, threads), device
        if not told:
            log.info("waiting: %s in use by another worker", ", ".join(d.name for d in devices))
            told = True
        waiting = _identity(token, devices[0], threads)
        announce(redis, waiting.info("waiting", since), settings.lease_seconds)
        try:
            pause.wait(min(1.0, settings.lease_seconds / 3))
            if drain_order(redis, token):
                log.info("told to leave")
                sys.exit(0)
        except (KeyboardInterrupt, SystemExit):
            withdraw(redis, token)
            raise


def _identity(token: str, device: Device, threads: int | None) -> Identity:
    host = socket.gethostname()
    return Identity(
        token=token,
        name=f"{device.label}@{host}",
        host=host,
        device=device.kind,
        device_name=device.name,
        resource=device.resource,
        threads=threads or len(device.cores),
    )


def _become_celery(identity: Identity, device: Device, log_level: str) -> None:
    """Replace this process by Celery, which sees only the claimed device."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.sched_setaffinity(0, device.cores)
    environment = {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "OMP_NUM_THREADS": str(identity.threads),
        **os.environ,
        "KERAS_BACKEND": "tensorflow",
        **device.environment,
        **identity.to_environment(),
    }
    arguments = [
        *("-m", "celery", "-A", "fitq_worker.main", "worker"),
        *("--pool", "prefork", "--concurrency", "1"),
        *("--queues", ",".join(queues_served_by(identity.device))),
        *("--hostname", identity.name),
        *("--loglevel", log_level.upper()),
        *("--without-gossip", "--without-mingle"),
    ]
    sys.stdout.flush()
    sys.stderr.flush()
    program = Path(sys.executable)
    os.execve(program, [str(program), *arguments], environment)  # noqa: S606 - no shell
