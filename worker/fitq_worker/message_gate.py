"""The gate before a worker's Celery: what is no message of a job goes no further.

Celery and kombu are robust against bodies that cannot be decoded, and against unknown tasks. But
text in the queue that is no JSON, a body that is a number, or a header of another type ends the
whole worker process ("Unrecoverable error"); and headers, which no signature covers, can change
which task runs and how long it may. So every message is looked at as it comes from Redis, and
one that no client of ours would send is dropped: noted in the worker's log, and never tried
again. The record, which is the truth, is not touched by it.
"""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kombu import transport as kombu_transport
from kombu.exceptions import KombuError
from kombu.serialization import loads, prepare_accept_content
from kombu.transport import redis as kombu_redis

from fitq_shared.errors import InvalidInput
from fitq_shared.job_message import JobMessage, message_prefix
from fitq_shared.queues import is_job_queue, task_name
from fitq_shared.texts import printable, shown

if TYPE_CHECKING:
    from celery import Celery

log = logging.getLogger(__name__)

LARGEST_BODY = 16 * 1024
LONGEST_HEADER = 1000
# Without a signature JSON, and what Celery's "auth" serializer writes with one.
CONTENT_TYPES = {"json": "application/json", "auth": "application/data"}
# Headers that could delay, limit or repeat a job. No client of ours sets them.
FIXED_HEADERS: Mapping[str, tuple[object, ...]] = {
    "eta": (None,),
    "expires": (None,),
    "group": (None,),
    "retries": (0, None),
    "stamped_headers": (None,),
    "stamps": ({}, None),
    "timelimit": ([None, None], None),
}
# Tasks that Celery would run after this one, or if it fails.
NOTHING_AFTER = dict.fromkeys(("callbacks", "errbacks", "chain", "chord"))


class Refused(Exception):
    """A message that is not valid; the text says why."""


class Gate:
    """Decides which messages an application's worker may see."""

    def __init__(self, app: Celery) -> None:
        (serializer,) = app.conf.accept_content
        self._content_type = CONTENT_TYPES[serializer]
        self._accept = prepare_accept_content([serializer])

    def check(self, message: object, queue: str) -> None:
        """Look at one message as it came from Redis.

        Raises:
            Refused: it is no message of kombu's, or comes from a job queue and is none of a job.
        """
        envelope = _envelope(message)
        if is_job_queue(queue):
            self._check_job(envelope)

    def _check_job(self, envelope: Mapping[str, Any]) -> None:
        headers = envelope["headers"]
        _check_headers(headers)
        job = self._job(envelope)
        expected = task_name(job.kind)
        if headers.get("task") != expected:
            raise Refused(f"its task is {shown(headers.get('task'))}, and its body says {expected}")
        prefix = message_prefix(job.job, job.attempt)
        message_id = headers.get("id")
        if not isinstance(message_id, str) or not message_id.startswith(prefix):
            raise Refused(f"its id is {shown(message_id)}, and its body says {prefix}…")

    def _job(self, envelope: Mapping[str, Any]) -> JobMessage:
        content_type, body = envelope.get("content-type"), envelope["body"]
        if content_type != self._content_type:
            raise Refused(
                f"its content type is {shown(content_type)}, and not {self._content_type}"
            )
        try:
            content = base64.b64decode(body, validate=True)
            value = loads(content, content_type, "utf-8", accept=self._accept)
        except (binascii.Error, KombuError) as error:
            raise Refused(f"its body cannot be read: {printable(str(error), 200)}") from error
        match value:
            case [[], dict() as arguments, dict() as embedded]:
                pass
            case _:
                raise Refused(f"its body is {shown(value)}")
        if embedded != NOTHING_AFTER:
            raise Refused("it wants other tasks to be run")
        try:
            return JobMessage.parse(arguments)
        except InvalidInput as error:
            raise Refused("; ".join(error.message.splitlines())) from error


def install(app: Celery) -> None:
    """Let this process take messages from Redis through the gate. Before its first connection."""
    gate = Gate(app)
    aliases: dict[str, Any] = kombu_transport.TRANSPORT_ALIASES
    gated = _gated(kombu_redis.Transport, gate)
    sentinel = _gated(kombu_redis.SentinelTransport, gate)
    # kombu calls what it finds there, to have a class.
    aliases |= {"redis": lambda: gated, "rediss": lambda: gated, "sentinel": lambda: sentinel}


def _gated(transport: type[Any], gate: Gate) -> type[Any]:
    class Channel(transport.Channel):  # type: ignore[misc, name-defined]
        def _brpop_read(self, **options: Any) -> Any:
            self.connection.reading = True
            try:
                return super()._brpop_read(**options)
            except (ValueError, RecursionError) as error:
                if not self.connection.reading:
                    raise
                log.warning("refused a message: it is no JSON: %s", printable(str(error), 200))
                return True

    class GatedTransport(transport):  # type: ignore[misc]
        reading = False

        def _deliver(self, message: Any, queue: str) -> None:
            self.reading = False  # what fails from here on is no fault of the message's text
            try:
                gate.check(message, queue)
            except Refused as refused:
                log.warning("refused a message from %s: %s", queue, refused)
                return
            super()._deliver(message, queue)

    GatedTransport.Channel = Channel
    return GatedTransport


def _envelope(message: object) -> dict[str, Any]:
    if not isinstance(message, dict) or not _is_envelope(message):
        raise Refused(f"it is no message of Celery's: {shown(message)}")
    size = len(message["body"])
    if size > LARGEST_BODY:
        raise Refused(f"its body has {size} letters: at most {LARGEST_BODY} are read")
    encoding = message.get("content-encoding")
    if not isinstance(encoding, str | None):
        raise Refused(f"its content encoding is {shown(encoding)}")
    _check_plain(message["properties"], ("delivery_info",))
    return message


def _is_envelope(message: dict[str, Any]) -> bool:
    match message:
        case {
            "body": str(),
            "headers": dict(),
            "properties": {
                "delivery_tag": str(),
                "delivery_info": {"exchange": str(), "routing_key": str()},
                "body_encoding": "base64",
            },
        }:
            return True
    return False


def _check_headers(headers: Mapping[str, Any]) -> None:
    for name, values in FIXED_HEADERS.items():
        if headers.get(name) not in values:
            raise Refused(f"its header {name} is {shown(headers[name])}")
    if "compression" in headers:
        raise Refused("it is compressed")
    _check_plain(headers, tuple(FIXED_HEADERS))


def _check_plain(values: Mapping[str, Any], apart_from: tuple[str, ...]) -> None:
    for name, value in values.items():
        if name in apart_from:
            continue
        if not isinstance(value, str | int | None) or not _is_short_text(str(value)):
            raise Refused(f"its {printable(name, 30)} is {shown(value)}")


def _is_short_text(text: str) -> bool:
    # Half of a surrogate pair, which is not printable, cannot be sent to Redis.
    return len(text) <= LONGEST_HEADER and text.isprintable()
