"""`python -m storm`: one soak, from the command line."""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import click

from storm.auditor import Finding
from storm.log import say
from storm.plan import KINDS, SURE_TIMES, plan
from storm.planted import PLANTED
from storm.rig import standing
from storm.soak import Soak
from storm.summary import summarize
from storm.workload import SPECS
from support.volume import namespace_command

IN_A_NAMESPACE = "FITQ_STORM_IN_A_NAMESPACE"
# With a planted fault: it was not found, or at least not by what it must be found by.
MISSED = 4


@click.command()
@click.option("--faults", type=click.IntRange(min=1), default=200, show_default=True)
@click.option("--jobs", type=click.IntRange(min=1), default=60, show_default=True, help="A round.")
@click.option("--workers", type=click.IntRange(1, 3), default=3, show_default=True)
@click.option("--specs", type=click.IntRange(1, len(SPECS)), default=len(SPECS), show_default=True)
@click.option("--seed", type=int, help="Replays the choices of another storm. Default: any.")
@click.option("--kinds", help=f"Only these faults, with commas between: {', '.join(KINDS)}.")
@click.option("--plant", type=click.Choice(list(PLANTED)), help="Break fitq itself in this place.")
@click.option("--summary", type=click.Path(path_type=Path), help="Where to write the summary.")
@click.option("--folder", type=click.Path(path_type=Path), help="For logs. Default: a new one.")
@click.option("--datasets", type=click.Path(path_type=Path), help="Cached data sets.")
@click.option("--volume", type=click.IntRange(min=64), default=768, show_default=True, help="MiB.")
def storm(
    faults: int,
    jobs: int,
    workers: int,
    specs: int,
    seed: int | None,
    kinds: str | None,
    plant: str | None,
    summary: Path | None,
    folder: Path | None,
    datasets: Path | None,
    volume: int,
) -> None:
    """Break a queue with real workers in all ways, and see that no job comes to harm.

    Exits with 1 when anything was found. With a planted fault that is as it should be, and 4
    says that it was missed.
    """
    _into_a_namespace()
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    planted = PLANTED[plant] if plant else None
    chosen = kinds.split(",") if kinds else list(planted.brought_out_by if planted else KINDS)
    if unknown := set(chosen) - set(KINDS):
        raise click.BadParameter(f"no such faults: {', '.join(sorted(unknown))}")
    folder = folder or Path(tempfile.mkdtemp(prefix="fitq-storm-"))
    folder.mkdir(parents=True, exist_ok=True)
    core_sets = _core_sets(workers)
    say(f"seed {seed}, {faults} faults, {len(core_sets)} workers, logs in {folder}")
    started = time.time()
    with standing(folder, volume, datasets or folder / "datasets", list(SPECS)[:specs]) as rig:
        soak = Soak(
            rig,
            plan(seed, faults, len(core_sets), chosen),
            jobs,
            seed,
            planted,
        )
        rig.start_workers(core_sets[:1] if plant else core_sets)
        say("workers are ready")
        soak.make_references()
        if plant:
            rig.stop_workers()
            rig.start_workers(core_sets, plant)
            say(f"workers with the planted fault {plant!r} are ready")
        soak.run()
    soak.findings += _unseen(soak)
    result = summarize(soak, plant, started)
    if summary:
        summary.parent.mkdir(parents=True, exist_ok=True)
        summary.write_text(json.dumps(result, indent=2) + "\n")
    click.echo(json.dumps({k: v for k, v in result.items() if k != "strikes"}, indent=2))
    if planted and not planted.among(soak.findings):
        say(f"MISSED the planted fault {plant!r}")
        sys.exit(MISSED)
    sys.exit(1 if soak.findings else 0)


def _core_sets(workers: int) -> list[str]:
    """One set of cores for each worker: each is a device of its own, though they may overlap."""
    cores = sorted(os.sched_getaffinity(0))
    single = [str(core) for core in cores[:workers]]
    if len(single) == workers or len(cores) < 2:
        return single
    first, second = cores[:2]
    return [*single, f"{first}-{second}" if second == first + 1 else f"{first},{second}"]


def _unseen(soak: Soak) -> list[Finding]:
    """Faults that had their effect less often than they were sure to be tried, and promises that
    a long storm had no chance to see broken."""
    if soak.planted:
        return []
    done = Counter(strike.planned.kind for strike in soak.strikes)
    seen = Counter(strike.planned.kind for strike in soak.strikes if strike.observed)
    missed = [
        f"the fault {kind} had its effect only {seen[kind]} times"
        for kind in done
        if seen[kind] < min(SURE_TIMES, done[kind])
    ]
    if min(done[kind] for kind in KINDS) >= SURE_TIMES:
        if not any(soak.undisturbed.values()):
            missed.append("no worker was ever left in peace, so none can have lost a job in it")
        if not soak.bounded:
            missed.append("after no fault another worker, itself in peace, had to hand a job back")
    return [Finding("unseen", "", text) for text in missed]


def _into_a_namespace() -> None:
    """Start again where a volume may be mounted, if it may not be here."""
    prefix = namespace_command()
    if prefix is None:
        raise click.ClickException(
            "a volume can be mounted neither here nor in a user namespace: "
            "run this as root, or allow unprivileged user namespaces"
        )
    if prefix and IN_A_NAMESPACE not in os.environ:
        os.environ[IN_A_NAMESPACE] = "1"
        os.execvp(prefix[0], [*prefix, sys.executable, "-m", "storm", *sys.argv[1:]])


if __name__ == "__main__":
    storm.main(prog_name="python -m storm")
