"""Records that are a hash in Redis each: found by id or name, and read, many at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from fitq_shared.errors import UnknownJob
from fitq_shared.record import UNREADABLE
from fitq_shared.redis_link import Redis
from fitq_shared.texts import did_you_mean, printable, shown

log = logging.getLogger(__name__)

# Names and ids are shorter; see Label in specs/base.py.
LONGEST_REFERENCE = 100
ONE_TRIP = 200
NEWEST_TO_GUESS_FROM = 500


class Named(Protocol):
    """What every record has."""

    @property
    def id(self) -> str:
        """By which it is known."""

    @property
    def name(self) -> str:
        """By which people call it."""


R = TypeVar("R", bound=Named)


@dataclass(frozen=True)
class RecordReader(Generic[R]):
    """Reads the records of one kind.

    Attributes:
        noun: what one is called, and `listing` the command that lists them.
        ids: the key of all ids, by when they were created.
        key: the key of a record, by its id; `name_key` that of the ids with a name, by the same.
        parse: makes a record of its fields, or raises one of `record.UNREADABLE`.
    """

    redis: Redis
    noun: str
    listing: str
    ids: str
    key: Callable[[str], str]
    name_key: Callable[[str], str]
    parse: Callable[[Mapping[str, str]], R]

    def get(self, record_id: str) -> R:
        """The record of this id.

        Raises:
            UnknownJob: there is none, or something else than fitq has written it.
        """
        fields: Any = self.redis.hgetall(self.key(record_id))
        if not fields:
            raise self._unknown(shown(record_id))
        record = self._readable(record_id, fields)
        if record is None:
            raise UnknownJob(
                f"the record of {self.noun} {shown(record_id)} cannot be read: fitq has not "
                "written it so",
                "look who else writes to this Redis; what jobs have made is in the store",
            )
        return record

    def find(self, reference: str) -> R:
        """The record that an id, the beginning of one, or a name refers to.

        A name that several carry means the newest of them.

        Raises:
            UnknownJob: none, or several, begin like this; suggests the nearest names.
        """
        if not reference.isprintable() or len(reference) > LONGEST_REFERENCE:
            raise self._unknown(shown(reference))
        if self.redis.exists(self.key(reference)):
            return self.get(reference)
        named: Any = self.redis.zrevrange(self.name_key(reference), 0, 0)
        if named:
            return self.get(named[0])
        ids: Any = self.redis.zrange(self.ids, 0, -1)
        matches = [i for i in ids if len(reference) >= 2 and i.startswith(reference)]
        if len(matches) == 1:
            return self.get(matches[0])
        if matches:
            listed = ", ".join(matches[:5])
            raise UnknownJob(
                f"several {self.noun}s begin with {reference!r}: {listed}", "give more of it"
            )
        names = {record.name for record in self.newest(NEWEST_TO_GUESS_FROM)}
        raise self._unknown(f"{reference!r}{did_you_mean(reference, names)}")

    def newest(self, limit: int | None = None) -> Iterator[R]:
        """The records, newest first."""
        ids: Any = self.redis.zrevrange(self.ids, 0, (limit or 0) - 1)
        yield from self.several(ids)

    def several(self, ids: Sequence[str]) -> Iterator[R]:
        """The records of these ids, in this order: of those that there are and can be read."""
        for start in range(0, len(ids), ONE_TRIP):
            some = ids[start : start + ONE_TRIP]
            with self.redis.pipeline(transaction=False) as pipe:
                for record_id in some:
                    pipe.hgetall(self.key(record_id))
                answers = pipe.execute(raise_on_error=False)
            for record_id, fields in zip(some, answers, strict=True):
                if fields and (record := self._readable(record_id, fields)):
                    yield record

    def _readable(self, record_id: str, fields: Mapping[str, str] | Exception) -> R | None:
        """The record, or None where something else than fitq has written it: it hides no other."""
        if isinstance(fields, Exception):
            if "WRONGTYPE" not in str(fields):
                raise fields
            log.warning("passing over a record that is none: %s", printable(str(fields), 200))
            return None
        try:
            record = self.parse(fields)
            if record.id != record_id:
                raise ValueError(f"it is that of {shown(record.id)}")
        except UNREADABLE as error:
            log.warning(
                "passing over the record of %s, which cannot be read: %s",
                *(shown(record_id), printable(repr(error), 200)),
            )
            return None
        return record

    def _unknown(self, which: str) -> UnknownJob:
        return UnknownJob(f"there is no {self.noun} {which}", f"see `{self.listing}`")
