"""Where the queue and the store are, and whose jobs these are."""

from __future__ import annotations

import getpass
import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from fitq_shared.errors import InvalidInput, Mistake, QueueUnreachable, StackError

STACK_FOLDER = ".fitq"
STACK_FILE = "stack.json"


@dataclass(frozen=True)
class Settings:
    """What client, worker and Flower must agree on.

    From the environment: FITQ_REDIS_URL, FITQ_REDIS_PASSWORD_FILE, FITQ_STORE, FITQ_OWNER,
    FITQ_LEASE_SECONDS, FITQ_LOSS_LIMIT, FITQ_HOST, FITQ_SIGNING_KEY, FITQ_SIGNING_CERT,
    FITQ_SIGNING_CERTS (see signing.py). What is not set there comes from the local stack
    (`.fitq/stack.json`, written by `fitq up`) of this folder or the nearest one above it.

    `host` is the name under which workers share the devices of a host; None: they find out.
    """

    redis_url: str
    store_url: str | None = None
    owner: str = ""
    lease_seconds: float = 15.0
    flower_url: str | None = None
    loss_limit: int = 3
    host: str | None = None
    signing_key: str | None = None
    signing_cert: str | None = None
    signing_certs: str | None = None

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, start: Path | None = None) -> Settings:
        """Read the settings.

        Raises:
            QueueUnreachable: nothing says where Redis is.
            InvalidInput: a variable has a value that makes no sense.
        """
        environ = os.environ if environ is None else environ
        stack = read_stack(start or Path.cwd())
        redis_url = environ.get("FITQ_REDIS_URL") or stack.get("redis_url")
        if not redis_url:
            raise QueueUnreachable(
                "no queue: neither FITQ_REDIS_URL nor a local stack says where Redis is",
                "start a local stack with `fitq up`, or set FITQ_REDIS_URL=redis://HOST:6379/0",
            )
        if file := environ.get("FITQ_REDIS_PASSWORD_FILE"):
            redis_url = _with_password(redis_url, "FITQ_REDIS_PASSWORD_FILE", file)
        return cls(
            redis_url=redis_url,
            store_url=environ.get("FITQ_STORE") or stack.get("store"),
            owner=environ.get("FITQ_OWNER") or _user(),
            lease_seconds=_positive(environ, "FITQ_LEASE_SECONDS", cls.lease_seconds),
            flower_url=stack.get("flower_url"),
            loss_limit=int(_positive(environ, "FITQ_LOSS_LIMIT", cls.loss_limit, "workers")),
            host=_host(environ),
            signing_key=environ.get("FITQ_SIGNING_KEY") or None,
            signing_cert=environ.get("FITQ_SIGNING_CERT") or None,
            signing_certs=environ.get("FITQ_SIGNING_CERTS") or None,
        )

    @classmethod
    def without_queue(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Settings for what needs no queue, such as a dry run."""
        environ = os.environ if environ is None else environ
        store = environ.get("FITQ_STORE") or read_stack(Path.cwd()).get("store")
        return cls(redis_url="", store_url=store, owner=environ.get("FITQ_OWNER") or _user())

    @property
    def shown_redis_url(self) -> str:
        """The Redis URL with its password hidden, fit to print."""
        return hide_password(self.redis_url)

    @property
    def shown_store_url(self) -> str:
        """The store's folder or URL with its password hidden, fit to print."""
        return hide_password(self.store_url or "")


def read_stack(start: Path) -> dict[str, str]:
    """What `.fitq/stack.json` of this folder or the nearest above says; empty without one.

    Raises:
        StackError: the file is there but cannot be read.
    """
    for folder in (start, *start.parents):
        file = folder / STACK_FOLDER / STACK_FILE
        if os.path.isfile(file):  # noqa: PTH113 - False, too, where we may not look
            return _read(file)
    return {}


def _read(file: Path) -> dict[str, str]:
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise StackError(
            f"{file} cannot be read: {error}", "write it anew: `fitq down`, then `fitq up`"
        ) from error


def hide_password(url: str) -> str:
    """The URL with *** in place of its passwords, the Sentinels' as well."""
    url = re.sub(r"(://[^:@/]*):.*@", r"\1:***@", url)
    return re.sub(r"([?&](?:sentinel_)?password=)[^&#]*", r"\1***", url)


def _with_password(url: str, variable: str, file: str) -> str:
    """The URL with the password that a file holds, as a secret of a container does."""
    try:
        password = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidInput(
            [Mistake(variable, file, f"a file that can be read ({reason})")]
        ) from None
    if not password:
        raise InvalidInput([Mistake(variable, file, "a file that holds a password; it is empty")])
    scheme, mark, rest = url.partition("://")
    login, _, host = rest.rpartition("@")
    if ":" in login:
        raise InvalidInput(
            [Mistake(variable, file, f"no file, since {hide_password(url)} has a password already")]
        )
    return f"{scheme}{mark}{login}:{quote(password, safe='')}@{host}" if mark else url


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def _host(environ: Mapping[str, str]) -> str | None:
    text = environ.get("FITQ_HOST") or None
    if text and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", text):
        expected = "at most 63 letters, digits, dots and dashes"
        raise InvalidInput([Mistake("FITQ_HOST", text, expected)])
    return text


def _positive(
    environ: Mapping[str, str], name: str, default: float, unit: str = "seconds"
) -> float:
    text = environ.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1 <= value < math.inf:
        raise InvalidInput([Mistake(name, text, f"a number of {unit} of at least 1")])
    return value
