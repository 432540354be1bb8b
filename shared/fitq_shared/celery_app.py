"""The Celery application: the same settings for whoever sends, runs or watches.

A Celery message is only a hint that there is work; the job record is the truth. So a message
is acknowledged on receipt, nothing is prefetched, and no result backend is kept: Celery's own
redelivery after a visibility timeout loses and doubles long jobs (celery issue 5935).
"""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.app.amqp import AMQP, Queues
from kombu import Queue

from fitq_shared.redis_link import sentinel_options
from fitq_shared.redis_url import RedisUrl
from fitq_shared.settings import Settings
from fitq_shared.signing import Signer


class JobQueues(Queues):  # type: ignore[misc]
    """Queues that are lists in Redis and nothing else.

    Celery sends to a queue by its name alone. A binding for each name, which it would declare,
    would only take time (for each connection of a worker, for each of its hundreds of queues),
    and stay in Redis for ever.
    """

    def new_missing(self, name: str) -> Queue:
        """The queue of a name that was not heard of before."""
        return Queue(name, routing_key=name, no_declare=True)

    def format(self, indent: int = 0, indent_first: bool = True) -> str:
        """The queues that a worker takes from, as its log shows them at its start."""
        needs = dict.fromkeys(name.rsplit(".", 2)[0] for name in self.consume_from)
        lines = [f"{' ' * indent}.> {need}.*" for need in needs]
        return "\n".join(lines) if indent_first else "\n".join(lines).lstrip()


class JobTransport(AMQP):  # type: ignore[misc]
    """Celery's way to its queues, with queues of this kind."""

    queues_cls = JobQueues


def make_app(settings: Settings) -> Celery:
    """A Celery application on the Redis of these settings; signed messages only, if they say so.

    Raises:
        InvalidInput: the URL of Redis is none, or the settings for signing do not fit together.
    """
    url = RedisUrl.parse(settings.redis_url)
    app = Celery("fitq", broker=url.broker_url, amqp=JobTransport, set_as_current=False)
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
        # Priorities are queues of ours, so that low ones still end; kombu's own are strict, and
        # would make four keys of each queue.
        "priority_steps": [0],
    }
    if url.master_name is not None:
        options |= {"master_name": url.master_name, "sentinel_kwargs": sentinel_options(url)}
    return options
