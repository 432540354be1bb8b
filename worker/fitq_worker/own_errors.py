"""From an error in a user's code to the user's words: which line of which file, and why."""

from __future__ import annotations

import contextlib
import inspect
import logging
import re
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from fitq_shared.errors import BadJob, FitqError
from fitq_shared.texts import printable, shown
from fitq_worker import backend
from fitq_worker.reporter import StopJob

log = logging.getLogger("fitq.job")

# How the folders begin that bundles are unpacked in: what is below one is a user's.
FOLDER = "fitq-code-"
LONGEST_WORDS = 500
_OWN_FILE = re.compile(rf".*/{FOLDER}[^/]*/(.+\.py)")


def in_users_words(error: BaseException) -> BadJob | None:
    """What a user's code did wrong; None when the error does not come from such code.

    The job's log gets the lines of the user's own files that led to it.
    """
    if isinstance(error, FitqError | StopJob) or backend.memory_is_exhausted(error):
        return None
    frames = own_frames(error)
    if isinstance(error, SyntaxError) and (file := own_file(error.filename or "")):
        return BadJob(f"{file} line {error.lineno}: {error.msg}", "correct that line")
    if not frames:
        return None
    where = f"{frames[-1].filename} line {frames[-1].lineno}, in {frames[-1].name}"
    if len(frames) > 1:
        text = "".join(traceback.format_list(frames)).rstrip()
        log.error("the way there, in your own files:\n%s", text)
    words = f"{type(error).__name__}: {_words(error)}"
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.partition(".")[0]
        return BadJob(
            f"{where}: needs {shown(error.name)}, which is neither installed on this worker nor "
            "among the files that came with the job",
            f"install it on the workers (pip install {package}); a file of yours travels with the "
            "job when it lies beside the first one and is imported by name",
        )
    if isinstance(error, SystemExit):
        return BadJob(f"{where}: ended the program ({error.code})", "return from the function")
    return BadJob(f"{where}: {words}", f"look at {frames[-1].filename} line {frames[-1].lineno}")


@contextlib.contextmanager
def own_errors() -> Iterator[None]:
    """Let errors of a user's code in the block be in the user's words.

    Raises:
        BadJob: names the line of the user's file.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        explained = in_users_words(error)
        if explained is None:
            raise
        raise explained from error


def own_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The frames of an error that are lines of the user's files, named as the user does."""
    found = []
    for frame in traceback.extract_tb(error.__traceback__):
        if file := own_file(frame.filename):
            frame.filename = file
            found.append(frame)
    return found


def own_file(path: str) -> str:
    """The name of a user's file, as it lies beside the first one; empty for all others."""
    match = _OWN_FILE.fullmatch(path)
    return match[1] if match else ""


def missing_option(
    function: Callable[..., Any],
    name: str,
    arguments: Sequence[Any],
    options: Mapping[str, Any],
) -> BadJob | None:
    """Say which options the function does not take, or needs and did not get."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    try:
        signature.bind(*arguments, **options)
    except TypeError as error:
        takes = [p for p in signature.parameters.values() if p.kind is not p.VAR_POSITIONAL]
        takes = takes[len(arguments) :]
        known = ", ".join(_parameter(parameter) for parameter in takes)
        unknown = [option for option in options if option not in signature.parameters]
        if unknown:
            near = get_close_matches(unknown[0], [parameter.name for parameter in takes], 1)
            guess = f" (did you mean {near[0]!r}?)" if near else ""
            message = f"{name} has no option {unknown[0]!r}{guess}"
        else:
            message = f"{name}: {error}"
        return BadJob(message, f"it takes {known}" if known else "it takes no options")
    return None


def _parameter(parameter: inspect.Parameter) -> str:
    if parameter.default is parameter.empty:
        return parameter.name
    return f"{parameter.name}={printable(repr(parameter.default), 40)}"


def _words(error: BaseException) -> str:
    """The first paragraph of what the error says."""
    paragraph = str(error).strip().partition("\n\n")[0]
    return printable(" ".join(paragraph.split()), LONGEST_WORDS)
