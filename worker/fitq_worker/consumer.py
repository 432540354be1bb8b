"""Celery's consumer, made to outlast a Redis that is away or full."""

from __future__ import annotations

import functools
import logging
import time
from typing import Any

from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown
from kombu.exceptions import OperationalError

from fitq_shared.outage import ITS_STATE
from fitq_shared.redis_link import ask_for_writes
from fitq_worker.seldom import Seldom

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0


class PatientConsumer(Consumer):
    """Takes a refusal of Redis to write for what it is: something that passes.

    To Celery "out of memory" is an error of the channel, for which it ends the process, and with
    it the running job and the child that has Keras warm. It comes up where the transport notes
    a message that it has just taken (kombu's QoS.append), and where a new connection declares
    its queues. That message is then lost, which the reaper mends.
    """

    connection_errors: tuple[type[Exception], ...]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connection_errors += ITS_STATE

    def ensure_connected(self, conn: Any) -> Any:
        """Connect as Celery does, but try again each second.

        Celery waits longer from try to try, up to 30 s. Its event loop stands meanwhile, and
        nothing else hears that a child has died: its job would wait, though Redis is back.
        """
        conn.ensure_connection = functools.partial(
            conn.ensure_connection,
            interval_start=PAUSE_SECONDS,
            interval_step=0,
            interval_max=PAUSE_SECONDS,
        )
        return super().ensure_connected(conn)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Drop the connection as Celery does, then wait until Redis takes writes again."""
        super().on_connection_error_after_connected(exc)
        seldom, refused = Seldom(), False
        while refusal := self._refusal():
            refused = True
            if seldom.due(time.monotonic()):
                log.warning("no jobs are taken, waiting until Redis takes writes: %s", refusal)
            time.sleep(PAUSE_SECONDS)
            maybe_shutdown()
        if refused:
            log.warning("Redis takes writes, so jobs are taken again")

    def _refusal(self) -> Exception | None:
        """Why Redis takes no writes; None when it does, or does not answer at all."""
        away: tuple[type[Exception], ...] = (*self.connection_errors, OperationalError)
        try:
            with self.app.connection_for_write() as connection:
                ask_for_writes(connection.default_channel.client)
        except ITS_STATE as error:
            return error
        except away:
            return None
        return None
