"""The URL of a Redis: one reading of it, for redis-py and for Celery.

Both take URLs, but not the same ones: they differ in the options that they know, in how several
Sentinels are written, and Celery's transport does not verify a certificate unless it is told to.
"""

from __future__ import annotations

import os
import re
import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.settings import hide_password

EXPECTED = (
    "redis://[:PASSWORD@]HOST:PORT/NUMBER, rediss:// for TLS, or "
    "sentinel://[:PASSWORD@]HOST:PORT,HOST:PORT/NUMBER?master_name=NAME "
    "(%2F for / in a password)"
)

_PORTS = {"redis": 6379, "rediss": 6379, "sentinel": 26379}
_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_VERIFY = {
    "required": ssl.CERT_REQUIRED,
    "optional": ssl.CERT_OPTIONAL,
    "none": ssl.CERT_NONE,
}
_BOOLEANS = {"true": True, "false": False}
_OPTIONS = {
    "redis": ("username", "password"),
    "rediss": ("username", "password", *_TLS_FILES, "ssl_cert_reqs", "ssl_check_hostname"),
    "sentinel": ("username", "password", "master_name", "sentinel_username", "sentinel_password"),
}


@dataclass(frozen=True)
class RedisUrl:
    """What a URL says.

    Attributes:
        hosts: Redis itself, or the Sentinels that know where it is; each a host and a port.
        tls: redis-py's options for TLS; empty without it.
        master_name: the name under which the Sentinels watch Redis; None without them.
        sentinel_login: username and password for the Sentinels themselves.
    """

    scheme: str
    hosts: tuple[tuple[str, int], ...]
    database: int = 0
    login: dict[str, str] = field(default_factory=dict)
    tls: dict[str, Any] = field(default_factory=dict)
    master_name: str | None = None
    sentinel_login: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, url: str) -> RedisUrl:
        """Read a URL.

        Raises:
            InvalidInput: it is none that fitq knows; says which part, and never the password.
        """
        try:
            parts = urlsplit(url)
            scheme = parts.scheme
            if scheme not in _PORTS or not re.fullmatch(r"/?\d*", parts.path) or parts.fragment:
                raise _wrong(url)
            hosts = _hosts(parts, _PORTS[scheme])
        except ValueError as error:
            raise _wrong(url) from error
        if not hosts or (len(hosts) > 1 and scheme != "sentinel"):
            raise _wrong(url)
        options = _options(parts, url)
        login = {
            "username": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
        }
        login |= {name: options[name] for name in login if name in options}
        return cls(
            scheme=scheme,
            hosts=hosts,
            database=int(parts.path.strip("/") or 0),
            login={name: value for name, value in login.items() if value},
            tls=_tls(options, url) if scheme == "rediss" else {},
            master_name=_master_name(options, url) if scheme == "sentinel" else None,
            sentinel_login={
                name.removeprefix("sentinel_"): options[name]
                for name in ("sentinel_username", "sentinel_password")
                if name in options
            },
        )

    @property
    def broker_url(self) -> str:
        """The URL as Celery wants it: without options, and one for each Sentinel."""
        user, password = (quote(self.login.get(n, ""), "") for n in ("username", "password"))
        login = f"{user}:{password}@" if self.login else ""
        return ";".join(
            f"{self.scheme}://{login}{_bracketed(host)}:{port}/{self.database}"
            for host, port in self.hosts
        )


def _hosts(parts: SplitResult, default_port: int) -> tuple[tuple[str, int], ...]:
    hosts = []
    for one in parts.netloc.rpartition("@")[2].split(","):
        address = urlsplit(f"//{one}")
        if not address.hostname:
            return ()
        hosts.append((address.hostname, address.port or default_port))
    return tuple(hosts)


def _options(parts: SplitResult, url: str) -> dict[str, str]:
    known = _OPTIONS[parts.scheme]
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = [name for name in options if name not in known]
    if unknown:
        raise _wrong(
            url,
            f"options that exist for {parts.scheme}:// ({', '.join(known)}), not {unknown[0]!r}",
        )
    return options


def _tls(options: dict[str, str], url: str) -> dict[str, Any]:
    """Verification is on unless it is asked to be off."""
    verify = options.get("ssl_cert_reqs", "required")
    hostname = options.get("ssl_check_hostname", "true").lower()
    if verify not in _VERIFY:
        raise _wrong(url, f"ssl_cert_reqs to be one of {', '.join(_VERIFY)}")
    if hostname not in _BOOLEANS:
        raise _wrong(url, f"ssl_check_hostname to be one of {', '.join(_BOOLEANS)}")
    files = {name: options[name] for name in _TLS_FILES if name in options}
    for name, file in files.items():
        if not os.access(file, os.R_OK) or not os.path.isfile(file):  # noqa: PTH113 - False, too, where we may not look
            raise _wrong(url, f"{name} to name a file that can be read, not {file!r}")
    return {
        "ssl_cert_reqs": _VERIFY[verify],
        "ssl_check_hostname": _BOOLEANS[hostname] and verify != "none",
        **files,
    }


def _master_name(options: dict[str, str], url: str) -> str:
    name = options.get("master_name")
    if not name:
        raise _wrong(url, "?master_name=NAME, the name under which the Sentinels watch Redis")
    return name


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _wrong(url: str, expected: str = EXPECTED) -> InvalidInput:
    return InvalidInput([Mistake("FITQ_REDIS_URL", hide_password(url), expected)])
