"""From the words of a spec to those of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import click

from fitq_shared.errors import InvalidInput, Mistake

_PLAIN = "a value"


@contextmanager
def naming_flags() -> Iterator[None]:
    """Let a mistake about a value that is missing name the flag that would give it.

    With a file (`-f`) the spec's own word stays: it may be given there.
    """
    try:
        yield
    except InvalidInput as error:
        context = click.get_current_context()
        if context.params.get("file") or not error.mistakes:
            raise
        named = [_named(mistake, context.command) for mistake in error.mistakes]
        raise InvalidInput(named, error.hint) from None


def _named(mistake: Mistake, command: click.Command) -> Mistake:
    if mistake.given is not None:
        return mistake
    place = mistake.where.removeprefix("train.").removesuffix(".type").replace(".", "_")
    for option in command.params:
        if isinstance(option, click.Option) and option.name == place:
            expected = mistake.expected if mistake.expected != _PLAIN else _what(option)
            return replace(mistake, where=max(option.opts, key=len), expected=expected)
    return mistake


def _what(option: click.Option) -> str:
    """What its help says that it takes."""
    text = (option.help or "").partition(" Default:")[0].removesuffix(".")
    return _PLAIN if not text or text.startswith("Default") else text
