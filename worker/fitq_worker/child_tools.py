"""What the child keeps from job to job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fitq_shared.attempts import Attempts
from fitq_shared.lease import Lease
from fitq_shared.records import Records
from fitq_shared.redis_link import open_redis
from fitq_shared.signing import Signer
from fitq_shared.store import Store
from fitq_worker.volume import open_volume

if TYPE_CHECKING:
    from celery import Celery

    from fitq_shared.settings import Settings
    from fitq_worker.identity import Identity


@dataclass(frozen=True)
class ChildTools:
    """Its lines to Redis, the volume, and what it is.

    Attributes:
        records: for as long as Redis may be away, and `attempts` so too.
        live_attempts: for what a running job must not wait for.
    """

    app: Celery
    store: Store
    identity: Identity
    records: Records
    attempts: Attempts
    live_attempts: Attempts
    lease: Lease
    signer: Signer | None


def open_tools(app: Celery, settings: Settings, identity: Identity) -> ChildTools:
    """What a new child needs, opened after the fork."""
    patient = open_redis(settings, patient=True)
    records = Records(patient)
    return ChildTools(
        app=app,
        store=open_volume(settings),
        identity=identity,
        records=records,
        attempts=Attempts(records, settings.loss_limit),
        live_attempts=Attempts(Records(open_redis(settings))),
        lease=identity.lease(patient, settings.lease_seconds),
        signer=Signer.from_settings(settings),
    )
