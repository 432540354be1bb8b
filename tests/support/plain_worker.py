"""A worker without Keras: takes real messages as Celery would, claims their jobs, and ends them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from kombu import Connection, Consumer, Message

from fitq_shared.attempts import Attempts
from fitq_shared.celery_app import make_app
from fitq_shared.lease import Lease
from fitq_shared.queues import DeviceKind, queues_served_by
from fitq_shared.record import Attempt
from fitq_shared.records import Records
from fitq_shared.redis_link import open_redis
from fitq_shared.settings import Settings
from fitq_worker.queue_cycle import QueueCycle, Turns


class PlainWorker:
    """Takes one job at a time, of the queues that its device serves, in their order.

    Args:
        connection: to the broker, with the order of queues of a real worker.
    """

    def __init__(self, connection: Connection, records: Records, lease: Lease) -> None:
        self._connection = connection
        self._records = records
        self._lease = lease
        self._taken: list[Attempt] = []

    def take(self) -> str:
        """The id of the next job, which is claimed, and then has succeeded."""
        before = len(self._taken)
        while len(self._taken) == before:
            self._connection.drain_events(timeout=60)
        attempt = self._taken[-1]
        assert Attempts(self._records).succeed(attempt, "a" * 64, {})
        return attempt.job_id

    def on_message(self, body: object, message: Message) -> None:
        """A message has come: claim its job."""
        message.ack()
        _, said, _ = message.decode()
        attempt = Attempts(self._records).claim(
            *(said["job"], said["attempt"], said["spec_hash"], self._lease),
            worker=self._lease.token,
            device_name="none",
            threads=1,
        )
        assert isinstance(attempt, Attempt), attempt
        self._taken.append(attempt)


@contextmanager
def plain_worker(
    settings: Settings, kind: DeviceKind, memory: int | None = None, devices: int = 1
) -> Iterator[PlainWorker]:
    """A worker with such a device, for as long as the context lasts."""
    app = make_app(settings)
    app.conf.broker_transport_options = {
        **app.conf.broker_transport_options,
        "queue_order_strategy": partial(QueueCycle, Turns()),
    }
    redis = open_redis(settings)
    lease = Lease(redis, f"plain:{kind}:{memory}:{devices}", f"{kind}-{memory}-{devices}", 600)
    assert lease.acquire()
    names = queues_served_by(kind, memory, devices)
    with app.connection_for_read() as connection:
        worker = PlainWorker(connection, Records(redis), lease)
        queues = [app.amqp.queues[name] for name in names]
        with Consumer(connection, queues, callbacks=[worker.on_message], prefetch_count=1):
            yield worker
    lease.release()
