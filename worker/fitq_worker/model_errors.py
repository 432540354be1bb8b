"""What Keras says of a model that does not fit, in few words and with the layer at fault."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from fitq_shared.errors import BadJob
from fitq_shared.texts import printable
from fitq_worker.own_errors import own_errors

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_LONGEST = 400
# What Keras and its backend raise where shapes or types do not fit together.
MISFITS = (ValueError, TypeError, AttributeError, KeyError, IndexError, NotImplementedError)


@contextlib.contextmanager
def layer_named(what: str) -> Iterator[None]:
    """Let errors of a model in the block be the user's mistake.

    Args:
        what: what was done with the model, for the message: "the model cannot take the data".

    Raises:
        BadJob: names the layer, or the line of the user's own code.
    """
    with own_errors():
        try:
            yield
        except MISFITS as error:
            raise BadJob(
                f"{what}: {words(error)}", "compare the layers with the data; see `fitq logs`"
            ) from error


def words(error: BaseException) -> str:
    """What Keras says is wrong, without where it was called from."""
    text = _COLOURS.sub("", str(error)).strip() or type(error).__name__
    called, _, rest = text.partition("\n\n")
    match = re.match(r"Exception encountered when calling (?:layer )?(.+?)\.?$", called)
    if match is None or not rest:
        return printable(" ".join(called.split()), _LONGEST)
    reason = " ".join(rest.partition("\n\n")[0].split())
    named = "" if 'layer "' in reason else f"{match[1].removesuffix('.call()')}: "
    return printable(f"{named}{reason}", _LONGEST)
