"""Sends the messages of jobs. Celery is imported when the first one is sent."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from fitq_shared.errors import QueueUnreachable

if TYPE_CHECKING:
    from celery import Celery

    from fitq_shared.changes import Changes
    from fitq_shared.record import JobRecord
    from fitq_shared.settings import Settings


class Messages:
    """Sends messages through the broker of these settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._app: Celery | None = None

    def app(self) -> Celery:
        """Celery on the Redis of these settings, made when it is first asked for.

        Raises:
            InvalidInput: the settings for signing do not fit together.
        """
        from fitq_shared.celery_app import make_app

        self._app = self._app or make_app(self._settings)
        return self._app

    def send(self, record: JobRecord) -> None:
        """Send the message of a queued job.

        Raises:
            QueueUnreachable: it could not be sent; names the job, so that it is not submitted
                twice.
        """
        from kombu.exceptions import OperationalError

        from fitq_shared.dispatch import send

        try:
            send(self.app(), record)
        except OperationalError as error:
            raise QueueUnreachable(
                f"job {record.id} ({record.name}) is queued, but its message was not sent: {error}",
                f"do not submit it again, a worker will find it: `fitq wait {record.id}`",
            ) from error

    def settle(self, changes: Changes) -> None:
        """Let go, stop or hold what comes after jobs that were changed; else a reaper does it."""
        from kombu.exceptions import OperationalError

        from fitq_shared.dispatch import settle_all

        with contextlib.suppress(OperationalError):
            settle_all(self.app(), changes)
