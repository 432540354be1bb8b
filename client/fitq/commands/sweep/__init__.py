"""`fitq sweep` and its commands, each a file here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fitq.commands._options import VALUE, chosen_before, find_each
from fitq.commands.train import command as train
from fitq.commands.train import lay_over, model_named
from fitq.drafts import read_toml
from fitq.lazy_commands import LazyCommands

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COMMANDS = {
    "list": "List the sweeps.",
    "show": "Show a sweep and its trials.",
    "watch": "Follow a sweep live.",
    "best": "Show the best trial, and how to predict with it.",
    "cancel": "Stop a sweep and its trials.",
    "resume": "Let a sweep go on with the trials that are missing or have failed.",
    "rm": "Forget a sweep; the jobs of its trials stay.",
}
# Those of a training's options that a sweep has its own of, or that make no sense for many.
_NOT_OF_TRAINING = ("file", "metrics", "model_name", "name", "tags")
_OWN = ("sampler", "trials", "metric", "goal", "parallel", "failures", "model_name", "promote")


def _training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """All options that say how a model is trained, as `fitq train` has them."""
    params = [param for param in train.params if param.name not in _NOT_OF_TRAINING]
    command.__dict__.setdefault("__click_params__", []).extend(reversed(params))
    return command


@click.group(cls=LazyCommands, package=__name__, table=COMMANDS, invoke_without_command=True)
@click.option("-f", "--file", type=click.Path(path_type=Path), help="A sweep file in TOML.")
@click.option("--grid", "grids", multiple=True, help="lr=1e-2,1e-3: each value in turn; several.")
@click.option(
    "--random",
    "ranges",
    multiple=True,
    help="units=64..512, lr=1e-4..1e-1:log, dropout=0..0.5:0.1 or activation=relu,tanh; several.",
)
@click.option("--trials", type=VALUE, help="Default: all points of the grid.")
@click.option("--metric", help="What the best trial is best in. Default: val_accuracy.")
@click.option("--goal", help="max or min. Default: as the metric's name says.")
@click.option("--sampler", help="grid, random or optuna. Default: random if there are ranges.")
@click.option("--stop", help="median or asha: stop bad trials early. Default: none.")
@click.option("--parallel", type=VALUE, help="At most so many at once. Default: workers + 1.")
@click.option("--failures", type=VALUE, help="End after so many failures in a row. Default: 3.")
@click.option("--register", "model_name", help="A model, whose next version the best becomes.")
@click.option("--promote", help="The alias that the best model gets.")
@click.option("--name", help="A name for the sweep. Default: one that can be said aloud.")
@click.option("--tag", "tags", multiple=True, help="A tag for all its trials; several.")
@_training_options
@click.pass_context
def command(
    context: click.Context,
    /,
    file: Path | None,
    no_wait: bool,
    dry_run: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Train many variants of a model, and find the best.

    \b
    fitq sweep -f sweep.toml
    fitq sweep --dataset mnist --model mlp --grid lr=1e-2,1e-3 --random units=64..512 --trials 40
    fitq sweep best
    """
    if context.invoked_subcommand is not None:
        return
    from fitq.commands._flags import naming_flags
    from fitq.sweep_drafts import complete_sweep
    from fitq.tables import print_json
    from fitq_shared.settings import Settings

    values = read_toml(file) if file else {}
    _lay_over_sweep(values, flags)
    given = values.get("train", {})
    base: dict[str, Any] = dict(given) if isinstance(given, dict) else {}
    lay_over(base, {**flags, "metrics": (), "model_name": None, "name": None, "tags": ()})
    if isinstance(base.get("init_from"), str):
        base["init_from"] = model_named(base["init_from"])
    folder = file.parent if file and flags["model"] is None else Path()
    with naming_flags():
        spec, uploads = complete_sweep({**values, "train": base}, Settings.without_queue(), folder)
    if dry_run:
        shown = [spec.drawn(n) for n in range(1, spec.trials + 1)]
        print_json(
            {
                **spec.model_dump(mode="json"),
                **({} if spec.sampler == "optuna" else {"drawn": shown}),
            }
        )
        return
    from fitq.leaderboard import follow_or_return
    from fitq.queue import Queue
    from fitq.sweeping import Sweeping
    from fitq.uploads import upload_all

    client = Queue()
    upload_all(client, uploads)
    sweep = Sweeping(client).submit(spec, find_each(client, chosen_before()))
    follow_or_return(client, sweep, wait=not no_wait, as_json=as_json)


def _lay_over_sweep(values: dict[str, Any], flags: dict[str, Any]) -> None:
    """Let the flags that were given replace what the sweep file says."""
    for name in (*_OWN, "stop", "name"):
        if flags[name] is not None:
            values[name] = flags[name]
    if flags["tags"]:
        values["tags"] = [*flags["tags"]]
    if flags["grids"] or flags["ranges"]:
        space = values.get("space", {})
        values["space"] = {
            **(space if isinstance(space, dict) else {}),
            **_parameters("--grid", flags["grids"], grid=True),
            **_parameters("--random", flags["ranges"], grid=False),
        }
    if flags["seed"] is not None:
        values["seed"] = flags["seed"]


def _parameters(flag: str, pairs: Sequence[str], *, grid: bool) -> dict[str, Any]:
    """`--grid name=values`, several times, as a space has them.

    Raises:
        InvalidInput: something has no "=".
    """
    from fitq_shared.errors import InvalidInput, Mistake

    wrong = [Mistake(flag, pair, "NAME=VALUES") for pair in pairs if "=" not in pair]
    if wrong:
        raise InvalidInput(wrong)
    found: dict[str, Any] = {}
    for pair in pairs:
        name, _, text = pair.partition("=")
        value: Any = text
        if grid or ".." not in text:
            value = {"values": _values(flag, pair, text), "grid": grid}
        found[name.strip()] = value
    return found


def _values(flag: str, pair: str, text: str) -> Any:
    """The values that a flag lists: `64,128`, or `[64,64],[16]` where each is a list.

    Raises:
        InvalidInput: brackets that are no lists.
    """
    import json

    from fitq_shared.errors import InvalidInput, Mistake

    if "[" not in text:
        found = VALUE.convert(text, None, None)
        # Not `list`: once `fitq sweep list` was imported, that is a module of this package.
        return found if "," in text else [found]
    try:
        return json.loads(f"[{text}]")
    except ValueError:
        raise InvalidInput([Mistake(flag, pair, "lists such as units=[64,64],[16]")]) from None
