"""How a worker comes to hold its devices: it waits for as long as others have them."""

from __future__ import annotations

import contextlib
import logging
import secrets
import signal
import sys
import threading
from dataclasses import dataclass, field, replace

import redis

from fitq_shared.lease import Lease, holders
from fitq_shared.redis_link import Redis
from fitq_shared.settings import Settings
from fitq_shared.workers import announce, drain_order, list_workers, withdraw
from fitq_worker import health
from fitq_worker.devices.device import Demand, Device, Holding
from fitq_worker.devices.host import host_name
from fitq_worker.devices.tenants import Tenant, foreign_tenants
from fitq_worker.identity import Identity

log = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 1.0


@dataclass
class _Obstacles:
    """Why nothing could be claimed."""

    tenants: list[Tenant] = field(default_factory=list)
    held_by: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        held = [f"held by {', '.join(self.held_by)}"] if self.held_by else []
        return "; ".join([*held, *map(str, self.tenants)]) or "just taken by another worker"


class Claim:
    """The attempt to come to hold what was asked for.

    Args:
        client: of Redis, a patient one.
        threads: how many threads one operation may use; None: as many as are of use.
        allows_code: whether the worker runs code of users' own.
    """

    def __init__(
        self,
        client: Redis,
        settings: Settings,
        demand: Demand,
        threads: int | None,
        *,
        allows_code: bool = False,
    ) -> None:
        self._redis = client
        self._demand = demand
        self._threads = threads
        self._allows_code = allows_code
        self._host = host_name(settings)
        self._seconds = settings.lease_seconds
        self._token = secrets.token_hex(8)
        health.mark(self._token)
        self._lease = Lease(
            client, f"worker:{self._token}", self._token, self._seconds, share=demand.share
        )

    def wait(self) -> tuple[Identity, Holding]:
        """Hold the devices; meanwhile say in the log and in Redis whom it waits for.

        Raises:
            KeyboardInterrupt, SystemExit: told to leave.
            FitqError: a GPU cannot be asked any more.
        """
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # leave the same way as on Ctrl-C
        since = float(self._redis.time()[0])
        pause = threading.Event()
        logged: list[int] | None = None
        try:
            while not isinstance(outcome := self._try(), Holding):
                pids = [tenant.pid for tenant in outcome.tenants]
                if pids != logged:
                    log.info("waiting for %s: %s", self._demand.name, outcome)
                    logged = pids
                waiting = self._waiting().info("waiting", since, waits_for=str(outcome))
                announce(self._redis, waiting, self._seconds)
                pause.wait(min(LONGEST_PAUSE_SECONDS, self._seconds / 3))
                if drain_order(self._redis, self._token):
                    log.info("told to leave")
                    sys.exit(0)
        except BaseException:
            with contextlib.suppress(redis.RedisError):
                self._lease.release()
                withdraw(self._redis, self._token)
            raise
        identity = self._identity(outcome)
        announce(self._redis, identity.info("starting", since), self._seconds)
        return identity, outcome

    def _try(self) -> Holding | _Obstacles:
        """Claim what is free and has no foreign process on it."""
        free, tenants = list(self._demand.devices), list[Tenant]()
        while chosen := self._take(free):
            found = {device: self._foreign(device) for device in chosen}
            if not any(found.values()):
                return self._demand.holding(chosen)
            self._lease.release()
            free = [device for device in free if not found.get(device)]
            tenants += [tenant for those in found.values() for tenant in those]
        return _Obstacles(tenants, self._holders(free))

    def _take(self, devices: list[Device]) -> list[Device]:
        resources = {device.resource: device for device in devices}
        if not self._lease.acquire_some(list(resources), self._demand.count):
            return []
        return [resources[resource] for resource in self._lease.devices]

    def _foreign(self, device: Device) -> list[Tenant]:
        if device.kind == "cpu":
            return []
        sharers = set(holders(self._redis, [device.resource])[device.resource]) - {self._token}
        return foreign_tenants(device, sharers)

    def _holders(self, devices: list[Device]) -> list[str]:
        """The names of the workers that hold these devices."""
        names = {worker.token: worker.name for worker in list_workers(self._redis)}
        found = holders(self._redis, [device.resource for device in devices]).values()
        tokens = dict.fromkeys(token for those in found for token in those)
        return [names.get(token, f"a worker that has just begun ({token})") for token in tokens]

    def _waiting(self) -> Identity:
        demand = self._demand
        return Identity(
            token=self._token,
            name=f"{demand.label}.{self._token[:4]}@{self._host}",
            host=self._host,
            device=demand.kind,
            device_name=demand.name,
            resource=f"worker:{self._token}",
            threads=self._threads or demand.core_limit,
            units=demand.count if demand.kind == "gpu" else 1,
            share=demand.share,
            allows_code=self._allows_code,
        )

    def _identity(self, holding: Holding) -> Identity:
        # Sharers of the same devices must not have the same name.
        part = "" if holding.share == 1 else f".{self._token[:4]}"
        return replace(
            self._waiting(),
            name=f"{holding.label}{part}@{self._host}",
            device_name=holding.name,
            threads=self._threads or self._demand.threads(holding),
            devices=tuple(device.resource for device in holding.devices),
            memory=holding.memory,
        )
