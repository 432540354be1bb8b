"""What `fitq doctor` looks at."""

from __future__ import annotations

import stat
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fitq.queue import Queue
from fitq_shared.errors import FitqError
from fitq_shared.redis_link import Redis, open_redis, reporting_unreachable
from fitq_shared.settings import Settings
from fitq_shared.signing import Signer
from fitq_shared.store import Store


@dataclass(frozen=True)
class Check:
    """One part, what was found, and what to do if that is not well."""

    part: str
    verdict: Literal["ok", "warning", "failed"]
    found: str
    hint: str = ""


def run_checks() -> list[Check]:
    """Look at every part that can be looked at. Never raises for a part that is not well."""
    try:
        settings = Settings.load()
    except FitqError as error:
        return [Check("queue", "failed", error.message, error.hint)]
    return [
        *_redis(settings),
        *_signing(settings),
        _store(settings),
        *_workers(settings),
        *_flower(settings),
    ]


def _redis(settings: Settings) -> Iterator[Check]:
    try:
        with reporting_unreachable(settings):
            redis: Redis = open_redis(settings)
            info: Any = redis.info()
    except FitqError as error:
        yield Check("queue", "failed", error.message, error.hint)
        return
    name = "Valkey" if "valkey_version" in info else "Redis"
    version = info.get("valkey_version", info["redis_version"])
    yield Check("queue", "ok", f"{name} {version} at {settings.shown_redis_url}")
    if not info.get("aof_enabled"):
        yield Check(
            "queue",
            "warning",
            "Redis does not persist its data: a restart loses jobs",
            "start it with `--appendonly yes`",
        )
    policy = info.get("maxmemory_policy")
    if info.get("maxmemory") and policy != "noeviction":
        yield Check(
            "queue",
            "warning",
            f"Redis evicts data when its memory is full ({policy}): that loses jobs",
            "set `maxmemory-policy noeviction`",
        )


def _signing(settings: Settings) -> Iterator[Check]:
    try:
        signer = Signer.from_settings(settings)
    except FitqError as error:
        yield Check("signing", "failed", error.message, error.hint)
        return
    if signer is None:
        return
    key = signer.files.key
    if stat.S_IMODE(Path(key).stat().st_mode) & 0o077:
        yield Check("signing", "warning", f"others may use the key {key}", f"chmod 600 {key}")
    else:
        yield Check("signing", "ok", f"jobs are signed with {key}")


def _store(settings: Settings) -> Check:
    if not settings.store_url:
        return Check(
            "store",
            "warning",
            "no store: jobs can be submitted and watched, but not their artifacts read",
            "set FITQ_STORE to the folder or URL of the volume",
        )
    try:
        store = Store(settings.store_url)
        if not store.exists(""):
            return Check(
                "store",
                "failed",
                f"{settings.shown_store_url} is not there",
                "create or mount it, or correct FITQ_STORE",
            )
        path = f"doctor-{uuid.uuid4().hex}"
        store.write(path, b"written by fitq doctor")
        store.remove(path)
    except FitqError as error:
        return Check("store", "failed", error.message, error.hint)
    return Check("store", "ok", f"can be written: {settings.shown_store_url}")


def _workers(settings: Settings) -> Iterator[Check]:
    try:
        workers = Queue(settings).workers()
    except FitqError:
        return
    ready = [worker for worker in workers if worker.state == "ready"]
    if not ready:
        yield Check(
            "workers", "warning", "no worker takes jobs", "start one: `fitq-worker`, or `fitq up`"
        )
    for worker in ready:
        code = ", allows code" if worker.allows_code else ""
        yield Check("workers", "ok", f"{worker.name}: {worker.device_name}{code}")


def _flower(settings: Settings) -> Iterator[Check]:
    url = settings.flower_url
    if not url:
        return
    try:
        with urllib.request.urlopen(f"{url}/healthcheck", timeout=3) as answer:  # noqa: S310
            well = answer.status == 200
    except (urllib.error.URLError, OSError) as error:
        yield Check("flower", "failed", f"{url} does not answer: {error}", "restart: `fitq up`")
        return
    yield Check("flower", "ok" if well else "failed", f"answers at {url}")
