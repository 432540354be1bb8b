"""The command `fitq-worker`: claims its devices, then becomes a Celery worker on it."""

from __future__ import annotations

import importlib.util
import logging
import os
import secrets
import signal
import sys
from pathlib import Path
from typing import Any

import click

from fitq_shared.errors import FitqError, StoreError
from fitq_shared.queues import queues_served_by
from fitq_shared.redis_link import open_redis, reporting_unreachable
from fitq_shared.settings import Settings
from fitq_shared.store import Store
from fitq_worker import __version__
from fitq_worker.datasets.disk_cache import DiskCache
from fitq_worker.devices.claim import Claim
from fitq_worker.devices.demands import Wishes, find_demand
from fitq_worker.devices.device import Holding
from fitq_worker.devices.host import host_id
from fitq_worker.identity import Identity

log = logging.getLogger(__name__)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fitq-worker")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "gpu"]),
    default="auto",
    show_default=True,
    envvar="FITQ_DEVICE",
    help="What to work on: GPUs, CPU cores, or a GPU where there is one.",
)
@click.option("--cores", envvar="FITQ_CORES", help="These CPU cores, such as 0-3 or 0,2.")
@click.option(
    "--core-count",
    type=int,
    envvar="FITQ_CORE_COUNT",
    help="So many CPU cores that no other worker has. Default: all, or what a quota allows.",
)
@click.option(
    "--core-share",
    type=float,
    default=1.0,
    envvar="FITQ_CORE_SHARE",
    help="How much of each core: with 0.5, two workers share them.",
)
@click.option(
    "--gpus",
    type=int,
    default=1,
    envvar="FITQ_GPUS",
    help="How many GPUs to train on at once. Default: 1.",
)
@click.option(
    "--gpu-share",
    type=float,
    default=1.0,
    envvar="FITQ_GPU_SHARE",
    help="How much of each GPU: with 0.5, two workers share it, each with half of its memory.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    envvar="FITQ_THREADS",
    help="How many threads one operation may use. Default: one for each core.",
)
@click.option(
    "--allow-code",
    is_flag=True,
    envvar="FITQ_ALLOW_CODE",
    help="Take jobs that bring Python code along, and run it. See docs/security.md first.",
)
@click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], case_sensitive=False),
    default="INFO",
    show_default=True,
    envvar="FITQ_LOG_LEVEL",
    help="How much to log.",
)
def worker(threads: int | None, allow_code: bool, log_level: str, **wishes: Any) -> None:
    """Take jobs from the queue and run them on a device of this host.

    Waits while other workers, or foreign programs on a GPU, have what it asks for. Redis and the
    store come from FITQ_REDIS_URL and FITQ_STORE, or from the local stack of this folder. Each
    option may also be given as a variable: --core-count as FITQ_CORE_COUNT.
    """
    logging.basicConfig(level=log_level.upper(), format="[%(asctime)s: %(levelname)s] %(message)s")
    settings = Settings.load()
    demand = find_demand(Wishes(**wishes), host_id(settings))
    _check_store(settings)
    DiskCache.from_environment()
    _check_keras()
    with reporting_unreachable(settings):
        open_redis(settings).ping()
        patient = open_redis(settings, patient=True)
        claim = Claim(patient, settings, demand, threads, allows_code=allow_code)
        identity, holding = claim.wait()
    log.info("holds %s as %s", holding.name, identity.name)
    _become_celery(identity, holding, log_level)


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
    store = Store(settings.store_url)
    if store.folder is None:
        # A login that is wrong is better found here than by the first job.
        probe = f"probes/{secrets.token_hex(8)}"
        store.write(probe, b"")
        store.remove(probe)
    elif not store.folder.is_dir():
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


def _become_celery(identity: Identity, holding: Holding, log_level: str) -> None:
    """Replace this process by Celery, which sees only what was claimed."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.sched_setaffinity(0, holding.cores)
    environment = {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "OMP_NUM_THREADS": str(identity.threads),
        **os.environ,
        "KERAS_BACKEND": "tensorflow",
        **holding.environment,
        **identity.to_environment(),
    }
    queues = queues_served_by(
        identity.device, identity.memory, identity.units, code=identity.allows_code
    )
    arguments = [
        *("-m", "celery", "-A", "fitq_worker.main", "worker"),
        *("--pool", "prefork", "--concurrency", "1"),
        *("--queues", ",".join(queues)),
        *("--hostname", identity.name),
        *("--loglevel", log_level.upper()),
        *("--without-gossip", "--without-mingle"),
    ]
    sys.stdout.flush()
    sys.stderr.flush()
    program = Path(sys.executable)
    os.execve(program, [str(program), *arguments], environment)  # noqa: S606 - no shell
