from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import missing
from fitq_shared.errors import StackError
from fitq_shared.lease import Lease
from fitq_shared.redis_link import open_redis
from fitq_worker import flags
from fitq_worker.identity import Identity
from fitq_worker.keeper import Keeper
from support.redis_server import RedisServer
from support.waiting import wait_until


def test_after_an_outage_a_lease_is_renewed_long_before_the_next_renewal_is_due(
    tmp_path: Path,
    identity: Identity,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Given a worker with Keras, whose lease is renewed every ten minutes, and no Redis
    monkeypatch.setattr(flags, "_FLAGS", bytearray(16))
    flags.set_warm()
    try:
        server = RedisServer(tmp_path)
    except StackError as error:
        missing(error.message)
        raise
    settings = replace(server.settings, lease_seconds=1800.0)
    server.stop()
    keeper = Keeper(settings, identity)
    with caplog.at_level(logging.WARNING):
        keeper.start()
        wait_until(lambda: "cannot renew the lease" in caplog.text, 30, "a renewal that fails")
    # When Redis is back
    server.start()
    # Then the lease is held without waiting for the next renewal
    held = Lease(open_redis(settings), identity.resource, identity.token, 1800.0).key
    wait_until(lambda: open_redis(settings).get(held) == identity.token, 60, "the lease")
    keeper.stop()
    server.stop()
