"""What a storm came to, for people and for docs/reliability.md."""

from __future__ import annotations

import datetime
import os
import platform
import shlex
import sys
import time
from collections import Counter
from typing import Any

from storm.auditor import KINDS
from storm.soak import Soak
from storm.trouble import HANDING_BACK_SECONDS


def summarize(soak: Soak, plant: str | None, started: float) -> dict[str, Any]:
    """The summary as JSON knows it.

    Args:
        started: when the storm began, in seconds since the epoch.
    """
    reports = [strike.report(_events(soak, strike)) for strike in soak.strikes]
    kinds = Counter(report["kind"] for report in reports)
    observed = Counter(report["kind"] for report in reports if report["observed"])
    found = Counter(finding.kind for finding in soak.findings)
    return {
        "date": datetime.datetime.fromtimestamp(started, datetime.UTC).isoformat("T", "seconds"),
        "command": shlex.join(["python", "-m", "storm", *sys.argv[1:]]),
        "seed": soak.seed,
        "planted": plant,
        "minutes": round((time.time() - started) / 60, 1),
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "faults": {
            kind: {"done": kinds[kind], "observed": observed[kind]} for kind in sorted(kinds)
        },
        "jobs": dict(Counter(soak.judged.values())),
        "rounds": soak.workload.rounds,
        "attempts": _attempts(soak),
        **{kind: found[kind] for kind in KINDS},
        "undisturbed_seconds": {name: round(s) for name, s in soak.undisturbed.items()},
        "bounded": {"faults": len(soak.bounded), "seconds": HANDING_BACK_SECONDS},
        "outages_seen_by_the_client": soak.workload.outages,
        "interrupted": sum(report["recovery_seconds"] is not None for report in reports),
        "slowest_queued_again": _slowest(reports, "queued_again_seconds"),
        "slowest_recovery": _slowest(reports, "recovery_seconds"),
        "findings": [str(finding) for finding in soak.findings],
        "strikes": reports,
    }


def _slowest(reports: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
    """The report of the fault after which this took longest."""
    timed = [report for report in reports if report[name] is not None]
    return max(timed, key=lambda report: float(report[name]), default=None)


def _events(soak: Soak, strike: Any) -> Any:
    return soak.watcher.of(strike.hit.job) if strike.hit else []


def _attempts(soak: Soak) -> int:
    return sum(
        event.type == "started" for job in soak.watcher.jobs() for event in soak.watcher.of(job)
    )
