"""The storm's auditor finds what it is to find: each case here has one defect."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fitq_shared.redis_link import Redis
from storm.auditor import (
    KINDS,
    Answer,
    Finding,
    Reference,
    audit_acknowledged,
    audit_cancellation,
    audit_end,
    audit_events,
    audit_handing_back,
    audit_held,
    audit_job,
    audit_unexplained,
)
from storm.markdown import tables
from storm.member import Hit
from storm.plan import Planned
from storm.planted import PLANTED
from storm.strike import Strike
from storm.trouble import (
    AFTERMATH_SECONDS,
    HANDING_BACK_SECONDS,
    Trouble,
    must_be_handed_back,
    troubles,
    undisturbed_seconds,
)
from storm.watcher import Happening

WORKERS = ("cpu0", "cpu1", "cpu0-1")


def started(attempt: int, at: float, worker: str = "cpu0@here") -> Happening:
    return Happening("started", attempt, at, worker=worker)


def requeued(attempt: int, at: float, reason: str = "worker-lost") -> Happening:
    return Happening("requeued", attempt, at, reason=reason)


def ended(attempt: int, at: float, state: str = "succeeded") -> Happening:
    return Happening(state, attempt, at)


# Lost once, and published by the second attempt.
GOOD = (Happening("queued", 1, 0.0), started(1, 1), requeued(1, 7), started(2, 8), ended(2, 12))


class Published:
    """The folder of a job whose second attempt is published, and its record."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.attempt = folder / "attempt-2"
        self.attempt.mkdir(parents=True)
        rows = [{"epoch": 1, "loss": 0.5, "seconds": 1.0}, {"epoch": 2, "loss": 0.25, "seconds": 1}]
        self.write_history(rows)
        self.write_model(0.5)
        self.record = {"state": "succeeded", "attempt": "2"}
        self.seal()
        self.reference = Reference.of(self.attempt)

    def write_history(self, rows: list[dict[str, float]]) -> None:
        (self.attempt / "history.json").write_text(json.dumps(rows))
        lines = ["epoch,loss", *(f"{row['epoch']},{row['loss']}" for row in rows)]
        (self.attempt / "history.csv").write_text("\n".join(lines) + "\n")

    def write_model(self, weight: float) -> None:
        content = io.BytesIO()
        with h5py.File(content, "w") as file:
            file.create_dataset("layers/dense/0", data=np.full(3, weight, np.float32))
        with zipfile.ZipFile(self.attempt / "model.keras", "w") as archive:
            archive.writestr("model.weights.h5", content.getvalue())

    def seal(self, *without: str) -> None:
        """Write the manifest of what is there, as a worker would."""
        sums = {
            file.name: hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(self.attempt.iterdir())
            if file.name not in (*without, "manifest.json")
        }
        content = json.dumps(sums).encode()
        (self.attempt / "manifest.json").write_bytes(content)
        self.record["manifest"] = hashlib.sha256(content).hexdigest()

    def audit(self, events: tuple[Happening, ...] = GOOD, cancelled: bool = False) -> list[Finding]:
        return audit_job(
            *("job", self.record, events, self.folder, self.reference), may_be_cancelled=cancelled
        )


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return Published(tmp_path / "jobs" / "job")


def only(found: list[Finding], kind: str, text: str) -> None:
    """There is this finding, and no other."""
    assert [(f.kind, text in f.text) for f in found] == [(kind, True)], [str(f) for f in found]


def test_a_job_that_came_through_well_is_no_finding(published: Published) -> None:
    assert published.audit() == []
    published.record = {"state": "cancelled", "attempt": "1"}
    assert published.audit((*GOOD[:2], ended(1, 3, "cancelled")), cancelled=True) == []


@pytest.mark.parametrize(
    ("events", "kind", "text"),
    [
        (
            (*GOOD[:2], started(1, 2, "cpu1@here"), *GOOD[2:]),
            "doubled",
            "started attempt 1 2 times",
        ),
        ((*GOOD, ended(2, 13)), "doubled", "ended 2 times"),
        ((*GOOD, started(3, 13)), "doubled", "attempt 3 began after the end"),
        ((*GOOD[:4], requeued(1, 9), GOOD[4]), "outdated", "requeued by attempt 1"),
        ((*GOOD[:4], ended(1, 9)), "outdated", "succeeded by attempt 1 after attempt 2 had begun"),
    ],
)
def test_events_that_cannot_be(events: tuple[Happening, ...], kind: str, text: str) -> None:
    only(audit_events("job", events), kind, text)


def state_is(state: str) -> Callable[[Published], None]:
    def change(published: Published) -> None:
        published.record["state"] = state

    return change


def weights_differ(published: Published) -> None:
    published.write_model(0.25)
    published.seal()


def history_differs(published: Published) -> None:
    published.write_history([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.125}])
    published.seal()


def file_altered(published: Published) -> None:
    (published.attempt / "log.txt").write_text("whole")
    published.seal()
    (published.attempt / "log.txt").write_text("altered")


def file_removed(published: Published) -> None:
    (published.attempt / "log.txt").write_text("whole")
    published.seal()
    (published.attempt / "log.txt").unlink()


def manifest_altered(published: Published) -> None:
    published.record["manifest"] = "0" * 64


def half_written(published: Published) -> None:
    (published.attempt / "metrics.json.1a2b3c4d.part").write_text("{")


@pytest.mark.parametrize(
    ("break_it", "kind", "text"),
    [
        (state_is("running"), "lost", "is running"),
        (state_is("failed"), "lost", "is failed"),
        (state_is("cancelled"), "lost", "is cancelled"),
        (weights_differ, "mismatched", "weights differ"),
        (history_differs, "mismatched", "history differs"),
        (file_altered, "mismatched", "log.txt has another sum"),
        (file_removed, "mismatched", "log.txt is in the manifest, but not there"),
        (manifest_altered, "mismatched", "not the one that was published"),
        (lambda published: published.seal("model.keras"), "mismatched", "model.keras is not in"),
        (lambda published: published.seal("history.json"), "mismatched", "history.json is not in"),
        (lambda published: published.seal("history.csv"), "mismatched", "history.csv is not in"),
        (half_written, "left", "metrics.json.1a2b3c4d.part"),
    ],
)
def test_a_result_that_must_not_be(
    published: Published, break_it: Callable[[Published], None], kind: str, text: str
) -> None:
    break_it(published)
    only(published.audit(), kind, text)


def test_a_gap_in_the_history_is_found_in_both_files(published: Published) -> None:
    published.write_history([{"epoch": 1, "loss": 0.5}, {"epoch": 3, "loss": 0.25}])
    published.seal()
    found = [finding.text for finding in published.audit()]
    assert sum("has a gap or a repeat" in text for text in found) == 2


def test_a_cancelled_job_that_was_published_is_found(published: Published) -> None:
    published.record["state"] = "cancelled"
    only(published.audit(cancelled=True), "doubled", "was cancelled, and published")


def test_what_comes_after_the_commit_may_be_cut_off(published: Published) -> None:
    (published.attempt / "record.json.1a2b3c4d.part").write_text("{")
    assert published.audit() == []


@pytest.mark.parametrize(
    ("reason", "kind", "worker", "explained"),
    [
        ("worker-lost", "kill-parent", "cpu0", True),
        ("worker-lost", "kill-redis", None, True),
        ("worker-lost", "kill-parent", "cpu1", False),
        ("worker-lost", "cut", "cpu0", False),
        ("worker-lost", "full-volume", None, False),
        ("store", "full-volume", None, True),
        ("store", "kill-redis", None, False),
        ("drain", "drain", "cpu0", True),
        ("drain", "stop", "cpu0", False),
        ("redis", "cut-long", "cpu0", True),
        ("redis", "full-volume", None, False),
        ("something-new", "kill-parent", "cpu0", False),
    ],
)
def test_an_attempt_given_back_needs_a_cause(
    reason: str, kind: str, worker: str | None, explained: bool
) -> None:
    events = (started(1, 1), requeued(1, 7, reason))
    assert (audit_unexplained("job", events, [Trouble(kind, worker, 2, 9)]) == []) is explained
    # And never one that was over, or had not begun
    for begin, end in ((2, 6), (8, 9)):
        assert audit_unexplained("job", events, [Trouble(kind, worker, begin, end)]) != []


@pytest.mark.parametrize(
    ("events", "in_time"),
    [
        ((started(1, 1), requeued(1, 10 + HANDING_BACK_SECONDS - 0.1)), True),
        ((started(1, 1), ended(1, 11)), True),
        ((started(1, 1), requeued(1, 10 + HANDING_BACK_SECONDS + 0.1)), False),
        ((started(1, 1), ended(1, 40)), False),
        ((started(1, 1),), False),
        ((started(1, 1), requeued(2, 11)), False),
    ],
)
def test_a_job_is_queued_again_in_time(events: tuple[Happening, ...], in_time: bool) -> None:
    assert (audit_handing_back("job", 1, 10.0, events) == []) is in_time


@pytest.mark.parametrize(
    ("word", "state", "events", "met", "obeyed"),
    [
        ("cancelled", "cancelled", (), (), True),
        ("cancelled", "succeeded", GOOD, (), False),
        ("stopping", "cancelled", (), (), True),
        # It was at its end already
        ("stopping", "succeeded", (started(1, 1), ended(1, 11)), (), True),
        ("stopping", "succeeded", (started(1, 1), ended(1, 30)), (), False),
        # Its worker stood still meanwhile
        ("stopping", "succeeded", (started(1, 1), ended(1, 30)), ("stop",), True),
        # No attempt begins after that
        ("stopping", "succeeded", (started(1, 1), started(2, 12), ended(2, 13)), ("stop",), False),
        ("succeeded", "succeeded", GOOD, (), True),
    ],
)
def test_a_cancellation_that_was_accepted_is_obeyed(
    word: str, state: str, events: tuple[Happening, ...], met: tuple[str, ...], obeyed: bool
) -> None:
    found = [Trouble(kind, "cpu0", 9, 31) for kind in met]
    assert (audit_cancellation("job", Answer(word, 10.0), state, events, found) == []) is obeyed


def test_an_acknowledged_job_that_vanished_is_found() -> None:
    assert audit_acknowledged(["a", "b"], ["b", "a", "c"]) == []
    only(audit_acknowledged(["a", "b"], ["b"]), "lost", "was acknowledged")


def test_what_is_left_behind_is_found(redis: Redis, tmp_path: Path) -> None:
    # Given nothing
    assert audit_held(redis) == audit_end(redis, tmp_path, set()) == []
    # When something of each kind is left
    redis.set("fitq:lease:cpu:here:0", "token", px=60_000)
    redis.set("fitq:worker:token", "{}", px=60_000)
    redis.zadd("fitq:running", {"job": 1})
    redis.zadd("fitq:queued:fitq.v1.any", {"other": 1})
    redis.lpush("fitq.v1.any", "message")
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / "x.part").touch()
    # Then each is found
    assert [finding.kind for finding in audit_held(redis)] == ["left"] * 2
    assert [finding.kind for finding in audit_end(redis, tmp_path, set())] == ["left"] * 4


def strike(kind: str, target: str, begun: float, over: float, hit: Hit | None = None) -> Strike:
    planned = Planned(number=1, kind=kind, worker=0, pause=0.0, chance=0.5)
    made = Strike(planned, target=target, since=begun, begun=begun, over=over, hit=hit)
    made.saw("what it is to bring about")
    return made


def test_a_fault_makes_trouble_from_its_first_try_until_it_shows_no_more() -> None:
    tried_twice = replace(strike("late-commit", "cpu1", 20, 30), since=10.0)
    lasting = strike("kill-redis", "redis", 50, 0.0)
    not_begun = Strike(tried_twice.planned)
    assert troubles([tried_twice, lasting, not_begun], now=60.0) == [
        Trouble("late-commit", "cpu1", 10.0, 30 + AFTERMATH_SECONDS),
        Trouble("kill-redis", None, 50, 60 + AFTERMATH_SECONDS),
    ]


def test_the_time_in_which_a_worker_was_left_in_peace() -> None:
    found = [
        Trouble("stop", "cpu0", 10, 30),
        Trouble("kill-redis", None, 20, 40),
        Trouble("kill-child", "cpu0", 22, 25),
        Trouble("full-volume", None, 50, 60),
        Trouble("stop", "cpu1", 70, 80),
    ]
    assert undisturbed_seconds("cpu0", found, 0, 100) == 70
    assert undisturbed_seconds("cpu1", found, 0, 100) == 70
    assert undisturbed_seconds("cpu0", [Trouble("stop", "cpu0", 0, 200)], 0, 100) == 0


@pytest.mark.parametrize(
    ("others", "bounded"),
    [
        ((), True),
        ((("full-volume", "volume", 101, 106),), True),
        ((("kill-parent", "cpu1", 101, 102),), True),
        ((("kill-parent", "cpu1", 101, 102), ("kill-child", "cpu0-1", 106, 107)), True),
        ((("kill-parent", "cpu1", 101, 102), ("stop", "cpu0-1", 106, 113)), False),
        ((("kill-parent", "cpu1", 95, 96), ("drain", "cpu0-1", 95, 96)), False),
        ((("kill-redis", "redis", 107, 109),), False),
        ((("kill-redis", "redis", 20, 21),), True),
    ],
)
def test_another_worker_in_peace_must_hand_a_job_back(
    others: tuple[tuple[str, str, float, float], ...], bounded: bool
) -> None:
    struck = strike("kill-parent", "cpu0", 100, 101, Hit("job", 1))
    strikes = [struck, *(strike(*other) for other in others)]
    assert must_be_handed_back(struck, strikes, WORKERS) is bounded
    assert not must_be_handed_back(replace(struck, hit=None), strikes, WORKERS)


@pytest.mark.parametrize(
    ("plant", "finding"),
    [
        ("lease", "attempt 1 was taken from cpu0, which lived undisturbed"),
        ("attempt", "started attempt 1 2 times: cpu1@vm, cpu0-1@vm"),
        ("commit", "succeeded by attempt 1 after attempt 2 had begun"),
    ],
)
def test_a_planted_fault_is_found_by_what_tells_of_it(plant: str, finding: str) -> None:
    planted = PLANTED[plant]
    telling = Finding(planted.kind, "job", finding)
    assert planted.among([Finding("lost", "job", "is failed"), telling]) is telling
    assert planted.among([Finding(planted.kind, "job", "something else")]) is None
    assert planted.among([replace(telling, kind="unseen")]) is None


def summary(findings: list[str]) -> dict[str, Any]:
    return {
        **{"date": "today", "command": "python -m storm", "seed": 1, "machine": "2 cores"},
        **{"minutes": 1.0, "jobs": {"succeeded": 3}, "attempts": 4, **dict.fromkeys(KINDS, 0)},
        **{"undisturbed_seconds": {"cpu0": 12}, "bounded": {"faults": 2, "seconds": 8.0}},
        **{"slowest_queued_again": None, "slowest_recovery": None, "strikes": [], "faults": {}},
        "findings": findings,
    }


def test_a_storm_that_found_something_does_not_look_clean() -> None:
    assert "| outcome | clean |" in tables(summary([]))
    shown = tables(summary(["ended: the worker cpu0 ended by itself"]))
    assert "clean" not in shown
    assert "| outcome | **1 findings** |" in shown
    assert "- found: ended: the worker cpu0 ended by itself" in shown
    for kind in KINDS:
        assert f"| {kind} | 0 |" in shown
