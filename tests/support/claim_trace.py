"""All claims of devices, in the order in which Redis made them."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass, field

from fitq_shared.redis_link import Redis

PREFIX = "fitq:device:"


@dataclass
class ClaimTrace:
    """Listens to what Redis does (MONITOR), and notes when a device has two holders.

    Attributes:
        claims: how many holders each device has had, one after the other.
        doubled: what must not be: a device that one was given while another's time had not run out.
    """

    redis: Redis
    claims: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    doubled: list[str] = field(default_factory=list)
    _script: list[str] = field(default_factory=list)
    _terms: dict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))

    def __enter__(self) -> ClaimTrace:
        self._monitor = self.redis.monitor()
        self._monitor.__enter__()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.redis.echo("end of the trace")
        self._thread.join(timeout=20)
        self._monitor.__exit__(None, None, None)

    def _listen(self) -> None:
        for said in self._monitor.listen():
            words = str(said["command"]).split()
            if words[0].upper() == "ECHO":
                return
            if words[0].upper() == "EVALSHA":
                self._script = words
            if len(words) < 3 or not words[1].startswith(PREFIX) or said["client_type"] != "lua":
                continue
            self._note(words[0].upper(), words[1].removeprefix(PREFIX), words[2:], said["time"])

    def _note(self, command: str, device: str, words: list[str], now: float) -> None:
        terms = self._terms[device]
        # Who lets go of its own; what another tidies away must have run out.
        if command == "HDEL" and words[0] in self._script:
            terms.pop(words[0], None)
        if command != "HSET":
            return
        token, share, term = words
        others = [one for one, end in terms.items() if one != token and end > now * 1000]
        if others:
            self.doubled.append(f"{device}: {token} at {now} while {others} had it")
        assert share == "1.000000"
        self.claims[device] += token not in terms
        terms[token] = float(term)
