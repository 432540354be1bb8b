"""From an exception in a job to the reason that its record keeps, in the user's words."""

from __future__ import annotations

from fitq_shared.errors import BadJob, FitqError, InvalidInput, JobError, StoreError
from fitq_shared.record import Reason
from fitq_shared.store import STORAGE_FAULTS
from fitq_shared.texts import printable
from fitq_worker import backend

LONGEST_WORDS = 300


def explain(error: BaseException) -> Reason:
    """Why the job failed. Errors that fitq did not foresee keep their own words."""
    memory = backend.memory_is_exhausted(error)
    if memory:
        words = _words(error) or type(error).__name__
        return Reason(
            "out-of-memory",
            f"the {memory}'s memory is not enough for this job: {words}",
            "use a smaller batch (--batch-size) or a smaller model",
        )
    if isinstance(error, FitqError):
        return Reason(_kind(error), error.message, error.hint)
    if may_pass(error):
        return Reason(
            "store",
            f"the volume cannot be used: {_words(error)}",
            "make room in the volume, or mount it",
        )
    return Reason(
        "error", f"{type(error).__name__}: {_words(error)}", "see the whole log with `fitq logs`"
    )


def may_pass(error: BaseException) -> bool:
    """Whether the storage failed, not the job: trying again later may help."""
    if isinstance(error, StoreError):
        return error.passing
    if isinstance(error, FitqError):
        return False
    if isinstance(error, OSError) and error.errno in STORAGE_FAULTS:
        return True
    # HDF5 puts the number of the error into the text of errors of several classes.
    return any(f"errno = {number}," in str(error) for number in STORAGE_FAULTS)


def _words(error: BaseException) -> str:
    """The line that says what went wrong, cut and escaped; the job's log has all of them."""
    lines = [line for line in str(error).splitlines() if line.strip()] or [""]
    if lines[0].startswith("Graph execution error"):
        # TensorFlow says where it was first, and names the node, indented, last.
        lines = [line for line in lines if not line[0].isspace()][::-1]
    return printable(lines[0].strip(), LONGEST_WORDS)


def _kind(error: FitqError) -> str:
    if isinstance(error, InvalidInput):
        return BadJob.kind
    if isinstance(error, StoreError):
        return "store"
    return error.kind if isinstance(error, JobError) else "error"
