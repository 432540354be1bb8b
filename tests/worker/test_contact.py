"""When a reaper may believe that a lease which is gone has run out."""

from __future__ import annotations

import pytest

from fitq_worker import contact
from fitq_worker.contact import Contact
from support.clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(contact, "time", made)
    return made


def answers(contact: Contact, clock: Clock, seconds: float) -> None:
    """Let Redis answer once a second for so long."""
    for _ in range(round(seconds)):
        clock.now += 1
        contact.answered()


@pytest.mark.parametrize(("lease", "wait"), [(15.0, 7.5), (5.0, 3.0), (60.0, 30.0)])
def test_a_reaper_that_starts_waits_for_those_who_live(
    clock: Clock, lease: float, wait: float
) -> None:
    # Given a reaper that has just started: Redis may have been away until now
    contact = Contact(lease)
    assert not contact.settled
    contact.answered()
    assert not contact.settled
    # When it has had answers for as long as a keeper may need, and no longer
    answers(contact, clock, int(wait))
    assert not contact.settled
    # Then it believes what it sees
    answers(contact, clock, 1)
    assert contact.settled


def test_the_shortest_lease_is_not_waited_for_longer_than_it_lasts(clock: Clock) -> None:
    contact = Contact(1.0)
    for _ in range(6):
        contact.answered()
        clock.now += 0.25
    assert contact.settled


def test_a_break_that_can_end_no_living_worker_s_lease_changes_nothing(clock: Clock) -> None:
    # Given a reaper with answers for long
    contact = Contact(15.0)
    answers(contact, clock, 60)
    # When Redis stalls for less than a lease has left when it is to be renewed
    clock.now += 5
    contact.answered()
    # Then orphans need not wait
    assert contact.settled


def test_after_a_longer_one_it_waits_again_though_nothing_failed(clock: Clock) -> None:
    contact = Contact(15.0)
    answers(contact, clock, 60)
    # When Redis stalls for longer, and then answers
    clock.now += 5.1
    contact.answered()
    # Then those who live renew their leases first
    assert not contact.settled
    answers(contact, clock, 7)
    assert not contact.settled
    answers(contact, clock, 1)
    assert contact.settled


def test_a_refusal_to_write_begins_the_wait_anew(clock: Clock) -> None:
    # Given a reaper that has had answers for long
    contact = Contact(6.0)
    answers(contact, clock, 10)
    assert contact.settled
    # When Redis takes no writes, so that nobody can renew a lease
    contact.refused()
    contact.answered()
    # Then those who live get their time once more
    assert not contact.settled
    answers(contact, clock, 4)
    assert contact.settled
