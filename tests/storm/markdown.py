"""A summary as the tables of docs/reliability.md: `python -m storm.markdown build/storm.json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from storm.auditor import KINDS


def tables(summary: dict[str, Any]) -> str:
    """The summary in Markdown."""
    jobs = ", ".join(f"{count} {state}" for state, count in summary["jobs"].items())
    peace = ", ".join(f"{name} {s} s" for name, s in summary["undisturbed_seconds"].items())
    bounded = summary["bounded"]
    rows = [
        ("outcome", f"**{len(summary['findings'])} findings**" if summary["findings"] else "clean"),
        ("date", summary["date"]),
        ("command", f"`{summary['command']}`"),
        ("seed", summary["seed"]),
        ("machine", summary["machine"]),
        ("minutes", summary["minutes"]),
        ("jobs", jobs),
        ("attempts", summary["attempts"]),
        *((kind, summary[kind]) for kind in KINDS),
        ("workers left in peace", peace),
        (f"must be queued again within {bounded['seconds']:g} s", f"{bounded['faults']} times"),
        ("slowest until queued again", _fault(summary["slowest_queued_again"])),
        ("slowest until it ran again", _fault(summary["slowest_recovery"])),
    ]
    lines = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows), ""]
    lines += ["| fault | done | effect seen | for example |", "|---|---|---|---|"]
    for kind, times in summary["faults"].items():
        example = next(
            (s["effect"] for s in summary["strikes"] if s["kind"] == kind and s["observed"]), ""
        )
        lines.append(f"| {kind} | {times['done']} | {times['observed']} | {example} |")
    lines += ["", *(f"- found: {finding}" for finding in summary["findings"])]
    return "\n".join(lines).rstrip()


def _fault(report: dict[str, Any] | None) -> str:
    if report is None:
        return "none"
    return (
        f"queued again after {report['queued_again_seconds']} s, "
        f"ran again after {report['recovery_seconds']} s ({report['kind']})"
    )


if __name__ == "__main__":
    click.echo(tables(json.loads(Path(sys.argv[1]).read_text())))
