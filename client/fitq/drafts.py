"""From flags and job files to a complete spec."""

from __future__ import annotations

import re
import secrets
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from fitq.data.jobs import resolve_dataset
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.settings import Settings
from fitq_shared.specs.base import JobSpec
from fitq_shared.specs.kinds import KINDS
from fitq_shared.texts import printable


class Value(click.ParamType[Any]):
    """A flag's value as a number, a list, true or false, or text. Never refuses.

    What is wrong with it the spec says, together with all else that is wrong.
    """

    name = "value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """For example "0.4,0.3" as [0.4, 0.3]."""
        if not isinstance(value, str):
            return value
        if "," in value:
            return [_scalar(part.strip()) for part in value.split(",") if part.strip()]
        return _scalar(value)


def _scalar(text: str) -> Any:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if re.fullmatch(r"[+-]?\d{1,100}", text):
        return int(text)
    try:
        return float(text)
    except ValueError:
        return text


def read_toml(path: Path) -> dict[str, Any]:
    """What a file in TOML says.

    Raises:
        InvalidInput: it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(
            [Mistake("--file", str(path), f"a job file ({error.strerror})")]
        ) from None
    except RecursionError:
        raise InvalidInput([Mistake("--file", str(path), "a job file less deep")]) from None
    except ValueError as error:  # no TOML, no UTF-8, or a number of thousands of digits
        found = printable(str(error), 200)
        raise InvalidInput([Mistake("--file", str(path), f"a job file in TOML: {found}")]) from None


def read_job_file(path: Path, kind: str) -> dict[str, Any]:
    """A job file in TOML.

    Raises:
        InvalidInput: it cannot be read, is no TOML, or is for another kind of job.
    """
    values = read_toml(path)
    if values.setdefault("kind", kind) != kind:
        raise InvalidInput(
            [Mistake("kind", values["kind"], f"{kind!r}, the command that was given")],
            f"use `fitq {values['kind']}`" if values["kind"] in [*KINDS] else "",
        )
    return values


def options(
    pairs: Sequence[str],
    flag: str = "--option",
    expected: str = "key=value, such as units=256,128",
) -> dict[str, Any]:
    """`--option key=value`, several times, as a mapping.

    Args:
        flag: which one was given, for messages, and `expected` what it takes.

    Raises:
        InvalidInput: something has no "=".
    """
    wrong = [Mistake(flag, p, expected) for p in pairs if "=" not in p]
    if wrong:
        raise InvalidInput(wrong)
    split = (pair.split("=", 1) for pair in pairs)
    return {key.strip(): Value().convert(value, None, None) for key, value in split}


def table(value: Any, key: str) -> dict[str, Any]:
    """A part of a job file as a table; a plain value stands for its key, None for nothing."""
    if value is None:
        return {}
    return dict(value) if isinstance(value, dict) else {key: value}


def complete(values: Mapping[str, Any], settings: Settings) -> JobSpec:
    """A full spec: what was given, and a name and an owner where none was.

    The name of a registered data set becomes a reference to its newest version.

    Raises:
        InvalidInput: names every mistake at once.
        StoreError: a data set may be a registered one, but the store cannot be read.
    """
    given = {key: value for key, value in values.items() if value is not None}
    given.setdefault("name", spoken_name())
    given.setdefault("owner", settings.owner)
    if given["kind"] == "train":
        given.setdefault("seed", secrets.randbelow(2**31))
    given, found = resolve_dataset(given, settings)
    try:
        spec = KINDS[given["kind"]].parse(given)
    except InvalidInput as error:
        places = {mistake.where for mistake in found}
        others = [mistake for mistake in error.mistakes if mistake.where not in places]
        if not others:
            raise InvalidInput(found, error.hint) if found else error from None
        raise InvalidInput([*found, *others], error.hint) from None
    if found:
        raise InvalidInput(found)
    return spec


def spoken_name() -> str:
    """A name that can be said aloud."""
    import coolname

    return str(coolname.generate_slug(2))
