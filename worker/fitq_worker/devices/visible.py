"""The two variables by which a GPU is hidden from a process, as their makers mean them."""

from __future__ import annotations

from collections.abc import Sequence

from fitq_shared.errors import InvalidInput, Mistake
from fitq_worker.devices.device import Device

RUNTIME = "NVIDIA_VISIBLE_DEVICES"
CUDA = "CUDA_VISIBLE_DEVICES"


def visible_to_runtime(gpus: Sequence[Device], value: str | None) -> list[Device]:
    """What NVIDIA_VISIBLE_DEVICES leaves of the GPUs that NVML shows.

    It speaks to the container runtime, which hides the other GPUs before we look: then NVML shows
    as many as it names, counted anew from 0. "void" says that the runtime leaves the choice to
    others (CDI sets it in each container that it gives GPUs), so it says nothing.

    Args:
        value: "all", "none", "void", or a list of numbers or UUIDs; None: it is not set.

    Raises:
        InvalidInput: it names a GPU that is not there.
    """
    words = _words(value or "all")
    if words in (["all"], ["void"]):
        return list(gpus)
    if words == ["none"]:
        return []
    if all(word.isdecimal() for word in words) and len(set(words)) == len(gpus):
        return list(gpus)
    chosen = [_find(RUNTIME, value, word, gpus) for word in words]
    return [gpu for gpu in gpus if gpu in chosen]


def visible_to_cuda(gpus: Sequence[Device], value: str | None) -> list[Device]:
    """What CUDA_VISIBLE_DEVICES leaves of these GPUs, in its order.

    Numbers count these GPUs from 0, in the order of NVML. As for CUDA, nothing after "-1" is seen.

    Args:
        value: a list of numbers, or of UUIDs or their beginnings; "" for none; None: it is not set.

    Raises:
        InvalidInput: it names a GPU that is not there.
    """
    if value is None:
        return list(gpus)
    words = _words(value)
    if "-1" in words:
        words = words[: words.index("-1")]
    if words == ["NoDevFiles"]:
        words = []
    return list(dict.fromkeys(_find(CUDA, value, word, gpus) for word in words))


def _words(value: str) -> list[str]:
    return [word.strip() for word in value.split(",") if word.strip()]


def _find(variable: str, value: str | None, word: str, gpus: Sequence[Device]) -> Device:
    if word.isdecimal():
        found = [gpus[int(word)]] if int(word) < len(gpus) else []
    else:
        found = [gpu for gpu in gpus if word.startswith("GPU-") and gpu.uuid.startswith(word)]
    if len(found) == 1:
        return found[0]
    there = "; ".join(f"{n} = {gpu.uuid}" for n, gpu in enumerate(gpus)) or "none is here"
    several = " (several begin so)" if found else ""
    raise InvalidInput(
        [Mistake(f"{word!r}{several} in {variable}", value, f"GPUs that are here: {there}")],
        "correct or unset it; parts of a GPU (MIG) are not supported",
    )
