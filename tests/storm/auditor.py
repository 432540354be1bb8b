"""The auditor: judges by the volume and by Redis alone, and shares no code with the worker.

It asks of every job whether it ended once and as it should, whether what is published is
whole, without gap or repeat and bit-identical to the undisturbed run, and whether an outdated
attempt ever had its way; and of the whole, whether anything was left behind.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from storm import digests
from storm.trouble import EXPLAINS, HANDING_BACK_SECONDS, Trouble
from storm.watcher import Happening

ENDINGS = ("succeeded", "failed", "cancelled")
KINDS = ("lost", "doubled", "outdated", "mismatched", "left", "ended", "unseen")
# A running job that was cancelled stops within two seconds; the rest is for a busy machine.
STOPPING_SECONDS = 5.0
# What the result of every training has.
ARTIFACTS = ("model.keras", "history.json", "history.csv")


@dataclass(frozen=True)
class Finding:
    """Something that must not be.

    `kind` is lost (a job that did not end, or failed), doubled (it ran or was published twice),
    outdated (an older attempt had its way), mismatched (what is published is not what it should
    be), left (behind, at the end), ended (a worker, by itself or badly) or unseen (a fault, or
    anything that would show a promise broken).
    """

    kind: str
    job: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.job} {self.text}" if self.job else f"{self.kind}: {self.text}"


@dataclass(frozen=True)
class Reference:
    """What an undisturbed run of a spec gave."""

    weights: str
    history: list[dict[str, float]]

    @classmethod
    def of(cls, folder: Path) -> Reference:
        """Read it from the folder of a published attempt."""
        return cls(digests.of_weights(folder / "model.keras"), digests.history(folder))


def audit_events(job: str, events: Sequence[Happening]) -> list[Finding]:
    """Whether the events of a job can have happened; to be asked at any time."""
    found = []
    for attempt, times in Counter(e.attempt for e in events if e.type == "started").items():
        if times > 1:
            workers = ", ".join(str(e.worker) for e in events if e.type == "started")
            text = f"started attempt {attempt} {times} times: {workers}"
            found.append(Finding("doubled", job, text))
    endings = [e for e in events if e.type in ENDINGS]
    if len(endings) > 1:
        shown = ", ".join(f"{e.type} in attempt {e.attempt}" for e in endings)
        found.append(Finding("doubled", job, f"ended {len(endings)} times: {shown}"))
    for place, event in enumerate(events):
        newer = [e for e in events[:place] if e.type == "started" and e.attempt > event.attempt]
        if newer and event.type in (*ENDINGS, "requeued"):
            found.append(
                Finding(
                    "outdated",
                    job,
                    f"{event.type} by attempt {event.attempt} "
                    f"after attempt {newer[-1].attempt} had begun",
                )
            )
        if event.type == "started" and any(e.type in ENDINGS for e in events[:place]):
            found.append(Finding("doubled", job, f"attempt {event.attempt} began after the end"))
    return found


def audit_job(
    job: str,
    record: Mapping[str, str],
    events: Sequence[Happening],
    folder: Path,
    reference: Reference,
    *,
    may_be_cancelled: bool,
) -> list[Finding]:
    """Judge one job that has ended.

    Args:
        record: the fields of its record in Redis.
        folder: jobs/<id> in the volume.
    """
    found = audit_events(job, events)
    state = record.get("state", "none")
    if state == "cancelled" and may_be_cancelled:
        if any(e.type == "succeeded" for e in events) or "manifest" in record:
            found.append(Finding("doubled", job, "was cancelled, and published"))
        return found
    if state != "succeeded":
        reason = record.get("reason", "no reason")
        return [*found, Finding("lost", job, f"is {state}: {reason}")]
    if [e.type for e in events].count("succeeded") != 1:
        found.append(Finding("doubled", job, "has not exactly one event of its publication"))
    attempt = int(record["attempt"])
    published = folder / f"attempt-{attempt}"
    try:
        found += _audit_manifest(job, published, record["manifest"])
        found += _audit_result(job, published, reference)
        found += _audit_temporary_files(job, published)
    except (OSError, ValueError, KeyError) as error:
        found.append(Finding("mismatched", job, f"attempt {attempt} cannot be read: {error!r}"))
    return found


def _audit_manifest(job: str, folder: Path, published: str) -> list[Finding]:
    """The record's sum is the manifest's, and the manifest's sums are the files'."""
    content = (folder / "manifest.json").read_bytes()
    if hashlib.sha256(content).hexdigest() != published:
        return [Finding("mismatched", job, "the manifest is not the one that was published")]
    sums = json.loads(content)
    found = [
        Finding("mismatched", job, f"{name} is not in the manifest")
        for name in ARTIFACTS
        if name not in sums
    ]
    for name, expected in sums.items():
        file = folder / name
        if not file.is_file():
            found.append(Finding("mismatched", job, f"{name} is in the manifest, but not there"))
        elif hashlib.sha256(file.read_bytes()).hexdigest() != expected:
            found.append(Finding("mismatched", job, f"{name} has another sum than published"))
    return found


def _audit_result(job: str, folder: Path, reference: Reference) -> list[Finding]:
    found = []
    rows = digests.history(folder)
    for name, epochs in (
        ("history.json", [int(row["epoch"]) for row in rows]),
        ("history.csv", digests.epochs_in_csv(folder)),
    ):
        if epochs != list(range(1, len(epochs) + 1)):
            found.append(Finding("mismatched", job, f"{name} has a gap or a repeat: {epochs}"))
    if rows != reference.history:
        text = f"the history differs from the undisturbed run: {_difference(rows, reference)}"
        found.append(Finding("mismatched", job, text))
    if digests.of_weights(folder / "model.keras") != reference.weights:
        found.append(Finding("mismatched", job, "the weights differ from the undisturbed run"))
    return found


def _audit_temporary_files(job: str, published: Path) -> list[Finding]:
    """What was published was written whole. The copy of the record comes after that, though, and
    whoever is killed over it leaves its temporary file."""
    return [
        Finding("left", job, f"the temporary file {file.name} in {published.name}")
        for file in published.rglob("*.part")
        if not file.name.startswith("record.json.")
    ]


def _difference(rows: list[dict[str, float]], reference: Reference) -> str:
    for row, right in zip(rows, reference.history, strict=False):
        if row != right:
            return f"{row} instead of {right}"
    return f"{len(rows)} epochs instead of {len(reference.history)}"


def audit_unexplained(
    job: str, events: Sequence[Happening], found: Sequence[Trouble]
) -> list[Finding]:
    """Whether an attempt was given back although nothing had been done that explains it."""
    return [
        Finding("doubled", job, _unexplained(event, worker))
        for event in events
        if event.type == "requeued"
        and (worker := _worker_of(events, event.attempt))
        and not any(
            trouble.kind in EXPLAINS.get(str(event.reason), ())
            and trouble.meets(worker, event.at, event.at)
            for trouble in found
        )
    ]


def _worker_of(events: Sequence[Happening], attempt: int) -> str:
    """The worker that an attempt ran on, without the host."""
    starts = [e for e in events if e.type == "started" and e.attempt == attempt]
    return str(starts[-1].worker).partition("@")[0] if starts else "nobody"


def _unexplained(event: Happening, worker: str) -> str:
    if event.reason == "worker-lost":
        return f"attempt {event.attempt} was taken from {worker}, which lived undisturbed"
    return f"attempt {event.attempt} on {worker} was given back for no cause: {event.reason}"


def audit_handing_back(
    job: str, attempt: int, begun: float, events: Sequence[Happening]
) -> list[Finding]:
    """Whether an attempt had ended or been queued again in time after what was done to its worker.

    Args:
        begun: when that was, in seconds since the epoch.
    """
    over = [e.at for e in events if e.attempt == attempt and e.type in (*ENDINGS, "requeued")]
    if over and over[0] - begun <= HANDING_BACK_SECONDS:
        return []
    after = f"only after {over[0] - begun:.1f} s" if over else "never"
    return [
        Finding(
            "lost",
            job,
            f"attempt {attempt} was queued again {after}, "
            f"not within the lease and three seconds ({HANDING_BACK_SECONDS:g} s)",
        )
    ]


@dataclass(frozen=True)
class Answer:
    """What a client was told when it cancelled a job, and when, in seconds since the epoch."""

    word: str
    at: float


def audit_cancellation(
    job: str,
    answer: Answer,
    state: str,
    events: Sequence[Happening],
    found: Sequence[Trouble],
) -> list[Finding]:
    """Whether a cancellation that was accepted was obeyed.

    A running attempt may still publish if it ends before its next batch, and later when
    something was done to its worker meanwhile. None may begin.
    """
    if state == "cancelled" or answer.word not in ("cancelled", "stopping"):
        return []
    finding = Finding("lost", job, f"is {state}, though a client was told {answer.word!r}")
    if answer.word == "cancelled" or any(e.type == "started" and e.at > answer.at for e in events):
        return [finding]
    ends = [e for e in events if e.type in ENDINGS and e.at > answer.at + STOPPING_SECONDS]
    return [
        finding
        for end in ends[:1]
        if not any(
            trouble.meets(_worker_of(events, end.attempt), answer.at, end.at) for trouble in found
        )
    ]


def audit_acknowledged(acknowledged: Iterable[str], known: Iterable[str]) -> list[Finding]:
    """Whether every job whose submission was acknowledged was ever seen."""
    missing = sorted(set(acknowledged) - set(known))
    return [Finding("lost", job, "was acknowledged, and was never there") for job in missing]


def audit_held(redis: Any) -> list[Finding]:
    """What workers that have left still hold: to be asked at once, since it expires by itself.

    Args:
        redis: a connection that decodes text.
    """
    found = [Finding("left", "", f"the lease {key}") for key in redis.scan_iter("fitq:lease:*")]
    found += [Finding("left", "", f"the device {key}") for key in redis.scan_iter("fitq:device:*")]
    return found + [
        Finding("left", "", f"the worker {key}") for key in redis.scan_iter("fitq:worker:*")
    ]


def audit_end(redis: Any, volume: Path, groups: set[int]) -> list[Finding]:
    """What is left behind when all jobs have ended and all workers have left.

    Args:
        redis: a connection that decodes text.
        groups: the process groups of all workers that there ever were.
    """
    found = []
    for pattern in ("fitq:running", "fitq:queued:*", "fitq:front:*", "fitq:delayed"):
        for key in redis.scan_iter(pattern):
            found.append(Finding("left", "", f"jobs in {key}: {redis.zrange(key, 0, -1)}"))
    found += [Finding("left", "", f"a queue in use: {q}") for q in redis.smembers("fitq:queues")]
    for key in redis.scan_iter("fitq.*"):
        if redis.type(key) == "list":
            found.append(Finding("left", "", f"{redis.llen(key)} messages in the queue {key}"))
    for file in volume.rglob("*.part"):
        found.append(Finding("left", "", f"the temporary file {file.relative_to(volume)}"))
    for process in psutil.process_iter(["pid", "name", "status"]):
        if process.info["status"] != psutil.STATUS_ZOMBIE and _group(process.pid) in groups:
            found.append(Finding("left", "", f"the process {process.pid} {process.info['name']}"))
    return found


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None
