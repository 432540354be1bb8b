"""The Celery application: the same settings for whoever sends, runs or watches.

A Celery message is only a hint that there is work; the job record is the truth. So a message
is acknowledged on receipt, nothing is prefetched, and no result backend is kept: Celery's own
redelivery after a visibility timeout loses and doubles long jobs (celery issue 5935).
"""

from __future__ import annotations

from typing import Any

from celery import Celery
from kombu import Exchange, Queue

from fitq_shared.queues import QUEUES
from fitq_shared.redis_link import sentinel_options
from fitq_shared.redis_url import RedisUrl
from fitq_shared.settings import Settings
from fitq_shared.signing import Signer


def make_app(settings: Settings) -> Celery:
    """A Celery application on the Redis of these settings; signed messages only, if they say so.

    Raises:
        InvalidInput: the URL of Redis is none, or the settings for signing do not fit together.
    """
    url = RedisUrl.parse(settings.redis_url)
    app = Celery("fitq", broker=url.broker_url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_acks_late=False,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        task_send_sent_event=True,
        worker_send_task_events=True,
        # The child imports TensorFlow at its start, which takes longer than the 4 s that
        # Celery waits by default before it kills and respawns the child, for ever.
        worker_proc_alive_timeout=120.0,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=_transport_options(url),
        broker_use_ssl=url.tls or None,
        task_queues=[Queue(name, Exchange(name), routing_key=name) for name in QUEUES],
        enable_utc=True,
        timezone="UTC",
    )
    if signer := Signer.from_settings(settings):
        signer.secure(app)
    return app


def _transport_options(url: RedisUrl) -> dict[str, Any]:
    """How Celery's transport talks to Redis, and to the Sentinels that know where it is.

    Without a time limit on the socket a command waits for ever on a connection whose other end
    has gone without a word; the limit is above the second for which a worker waits for work.
    """
    options: dict[str, Any] = {
        "socket_connect_timeout": 3,
        "socket_timeout": 15,
        "socket_keepalive": True,
    }
    if url.master_name is not None:
        options |= {"master_name": url.master_name, "sentinel_kwargs": sentinel_options(url)}
    return options
