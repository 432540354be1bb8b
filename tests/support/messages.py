"""Messages as they lie in Redis, made by hand as whoever can write to Redis could."""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any

from fitq_shared.queues import task_name
from fitq_shared.record import JobRecord

EMBEDDED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
NOBODY = {"job": "nobody", "kind": "train", "attempt": 1, "spec_hash": "0" * 64}


def arguments_of(record: JobRecord) -> dict[str, Any]:
    """What the message of a record says."""
    return {
        "job": record.id,
        "kind": record.kind,
        "attempt": record.attempt,
        "spec_hash": record.spec_hash,
    }


def body_of(arguments: object) -> bytes:
    """A body as Celery writes it: arguments without and with names, and tasks that follow."""
    return json.dumps([[], arguments, EMBEDDED]).encode()


def message(
    arguments: dict[str, Any] | None = None,
    *,
    body: bytes | None = None,
    headers: dict[str, Any] | None = None,
    without: str = "",
    properties: dict[str, Any] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """The message for these arguments, with these changes."""
    said = arguments or NOBODY
    message_id = f"{said['job']}-{said['attempt']}-{secrets.token_hex(3)}"
    content = body_of(said) if body is None else body
    whole = {
        "body": base64.b64encode(content).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {
            "lang": "py",
            "task": task_name(str(said["kind"])),
            "id": message_id,
            "eta": None,
            "expires": None,
            "retries": 0,
            "timelimit": [None, None],
            "stamps": {},
            "stamped_headers": None,
            "ignore_result": True,
            **(headers or {}),
        },
        "properties": {
            "correlation_id": message_id,
            "reply_to": "nobody",
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": "fitq"},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": secrets.token_hex(8),
            **(properties or {}),
        },
        **changes,
    }
    whole["headers"].pop(without, None)
    return whole


def text_of(value: object) -> str:
    """As it lies in the queue."""
    return value if isinstance(value, str) else json.dumps(value)


PICKLE = {"content-type": "application/x-python-serialize", "content-encoding": "binary"}
# Each with words of the reason that the worker's log must give. Before the gate, those marked
# with a star ended the whole worker process.
HOSTILE_MESSAGES: dict[str, tuple[Any, str]] = {
    "no JSON *": ('{"body": "tr', "it is no JSON"),
    "nothing *": ("", "it is no JSON"),
    "a number *": ("5", "no message of Celery's: 5"),
    "very deep *": ("[" * 100_000, "it is no JSON"),
    "an empty table": ({}, "no message of Celery's"),
    "without properties": (message(properties=None) | {"properties": {}}, "no message of Celery's"),
    "no base64 *": (message() | {"body": "***"}, "body cannot be read"),
    "body of a number *": (message(body=b"5"), "its body is 5"),
    "body of nothing *": (message(body=b"null"), "its body is None"),
    "body of a table *": (message(body=b'{"a": 1}'), "its body is {'a': 1}"),
    "body too short *": (message(body=b"[1]"), "its body is [1]"),
    "body cut": (message(body=body_of(NOBODY)[:40]), "body cannot be read"),
    "body very deep": (message(body=b"[" * 10_000), "body cannot be read"),
    "pickle": (message(**PICKLE), "content type is 'application/x-python-serialize'"),
    "encoding of a number *": (message(**{"content-encoding": 5}), "its content encoding is 5"),
    "tag of half a letter *": (
        message(properties={"delivery_tag": "\ud800"}),
        "its delivery_tag is '\\ud800'",
    ),
    "YAML": (message(**{"content-type": "application/x-yaml"}), "content type is"),
    "text, always trusted by kombu": (
        message(body=b"args", **{"content-type": "application/text"}),
        "content type is 'application/text'",
    ),
    "arguments without names": (
        message(body=json.dumps([["x", 1], {}, EMBEDDED]).encode()),
        "its body is [['x', 1]",
    ),
    "arguments missing": (message(body=body_of({"job": "x"})), "kind is missing"),
    "arguments of other types": (
        message(body=body_of({**NOBODY, "attempt": "many"})),
        "attempt = 'many'",
    ),
    "more arguments": (message(body=body_of({**NOBODY, "evil": 1})), "['evil']"),
    "a megabyte": (message(body=body_of({**NOBODY, "job": "x" * 2**20})), "at most 16384"),
    "other tasks after it": (
        message(body=json.dumps([[], NOBODY, {**EMBEDDED, "chain": [{"task": "x"}]}]).encode()),
        "it wants other tasks to be run",
    ),
    "another embedded part": (
        message(body=json.dumps([[], NOBODY, {**EMBEDDED, "x": None}]).encode()),
        "it wants other tasks to be run",
    ),
    "headers of text *": (message() | {"headers": "x"}, "no message of Celery's"),
    "no headers": (message() | {"headers": {}}, "its task is None"),
    "no task": (message(without="task"), "its task is None"),
    "task of a list *": (message(headers={"task": ["x"]}), "its task is ['x']"),
    "unknown task": (message(headers={"task": "os.system"}), "its task is 'os.system'"),
    "task of another kind": (
        message(headers={"task": "fitq.predict"}),
        "its task is 'fitq.predict', and its body says fitq.train",
    ),
    "no id *": (message(without="id"), "its id is None"),
    "id of a list *": (message(headers={"id": ["x"]}), "its id is ['x']"),
    "id of another job": (message(headers={"id": "other-1-x"}), "its id is 'other-1-x'"),
    "time limit of text *": (message(headers={"timelimit": "x"}), "its header timelimit is 'x'"),
    "a time limit": (message(headers={"timelimit": [1, 1]}), "its header timelimit is [1, 1]"),
    "for later": (message(headers={"eta": "2099-01-01T00:00:00"}), "its header eta is"),
    "a retry": (message(headers={"retries": 1}), "its header retries is 1"),
    "compressed": (message(headers={"compression": "application/x-gzip"}), "it is compressed"),
    "a long header": (message(headers={"lang": "x" * 2000}), "its lang is 'xxx"),
    "a terminal escape": (message(headers={"lang": {"\x1b[2J": 1}}), "its lang is {'\\x1b[2J': 1}"),
}
