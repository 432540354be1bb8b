"""All that must name Keras's backend: TensorFlow. Imported in the child only."""

from __future__ import annotations

import keras
import tensorflow as tf

from fitq_shared.queues import DeviceKind


def prepare(device: DeviceKind, threads: int) -> None:
    """Fit TensorFlow to the worker's device before it is first used."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1 if threads == 1 else 2)
    if device == "gpu":
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)


def threads() -> int:
    """How many threads one operation may use: it changes the last digits of a result."""
    return int(tf.config.threading.get_intra_op_parallelism_threads())


def memory_is_exhausted(error: BaseException) -> str | None:
    """Which memory was not enough, "device" or "host", if that is what the error says."""
    if isinstance(error, MemoryError):
        return "host"
    if isinstance(error, tf.errors.ResourceExhaustedError):
        return "device" if tf.config.list_physical_devices("GPU") else "host"
    return None


def versions() -> dict[str, str]:
    """The versions of Keras, its backend, and what the backend was built with."""
    found = {"keras": keras.__version__, "tensorflow": tf.__version__}
    build = tf.sysconfig.get_build_info()
    if build.get("cuda_version"):
        found["cuda"] = str(build["cuda_version"])
    return found
