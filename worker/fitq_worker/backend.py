"""All that must name Keras's backend: TensorFlow. Imported in the child only."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fitq_shared.queues import DeviceKind
    from fitq_worker.rows import Data, ShuffledRows


# What an operation raises that cannot take its arrays.
OP_ERRORS: tuple[type[Exception], ...] = (tf.errors.OpError,)


class _Mirrored:
    """What several devices train a model with; None for one device."""

    strategy: tf.distribute.Strategy | None = None


def prepare(device: DeviceKind, threads: int, memory_limit: int | None = None) -> None:
    """Fit TensorFlow to the worker's devices before it is first used.

    Args:
        threads: how many one operation may use.
        memory_limit: how many bytes of each GPU to take, at once; None: as much as is needed.
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1 if threads == 1 else 2)
    if device != "gpu":
        return
    for gpu in tf.config.list_physical_devices("GPU"):
        if memory_limit is None:
            tf.config.experimental.set_memory_growth(gpu, True)
        else:
            limit = tf.config.LogicalDeviceConfiguration(memory_limit=memory_limit // 2**20)
            tf.config.set_logical_device_configuration(gpu, [limit])
    if gpus() > 1:
        mirror([f"GPU:{number}" for number in range(gpus())])


def gpus() -> int:
    """How many GPUs TensorFlow sees."""
    return len(tf.config.list_physical_devices("GPU"))


def mirror(devices: Sequence[str]) -> None:
    """Train on these devices at once from now on: each takes its part of every batch.

    Args:
        devices: as TensorFlow calls them, such as "GPU:0".
    """
    # TensorFlow's collective operations, the default, fail within the loop of several steps.
    operations = tf.distribute.ReductionToOneDevice()
    _Mirrored.strategy = tf.distribute.MirroredStrategy(list(devices), operations)


def scope() -> contextlib.AbstractContextManager[object]:
    """In this a model to be trained is made, with its optimizer and metrics, and fitted."""
    return _Mirrored.strategy.scope() if _Mirrored.strategy else contextlib.nullcontext()


@contextlib.contextmanager
def precision(*, mixed: bool) -> Iterator[None]:
    """In this a model is made and fitted; if mixed, it computes in 16 bits where that is safe.

    CPUs know bfloat16 only; GPUs of before 2020 know float16 only, the loss of which Keras scales.
    """
    before = keras.config.dtype_policy()
    if mixed:
        keras.config.set_dtype_policy("mixed_float16" if gpus() else "mixed_bfloat16")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def keep_first_batch(model: keras.Model) -> None:
    """Let a model that is built, with its optimizer and metrics, see each batch of its stream.

    On several devices Keras takes the first batch away to build the model by it, also when that
    is done, and fails if the devices' parts of it are of different sizes.
    """
    if _Mirrored.strategy:
        model._maybe_symbolic_build = lambda **_: None


def stream(rows: ShuffledRows, first_epoch: int = 0, first_batch: int = 0) -> Any:
    """An endless `tf.data.Dataset` of batches: epoch after epoch, each in its own order.

    It begins at this batch of this epoch, both counted from 0. A `keras.utils.PyDataset` would
    not do: `fit` shuffles its batches once more.
    """

    def orders() -> Iterator[NDArray[np.int64]]:
        yield rows.order(first_epoch)[first_batch * rows.batch_size :]
        for epoch in itertools.count(first_epoch + 1):
            yield rows.order(epoch)

    signature = tf.TensorSpec((None,), tf.int64)
    places = tf.data.Dataset.from_generator(orders, output_signature=signature).flat_map(
        lambda order: tf.data.Dataset.from_tensor_slices(order).batch(rows.batch_size)
    )
    return _read(places, rows.data)


def batches(data: Data, batch_size: int) -> Any:
    """A `tf.data.Dataset` of all rows, once and in their order: to evaluate or to predict."""
    places = tf.data.Dataset.range(len(data)).batch(batch_size)
    return _read(places, data)


def _read(places: tf.data.Dataset, data: Data) -> Any:
    """The rows at these places, batch by batch: from memory where they fit into it."""
    whole = data.whole()
    if whole is None:
        return _read_on_demand(places, data)
    with tf.device("CPU:0"):
        held = keras.tree.map_structure(tf.constant, _packed(whole))

    def gather(batch: tf.Tensor) -> Any:
        return keras.tree.map_structure(lambda part: tf.gather(part, batch), held)

    return places.map(gather).prefetch(2)


def _read_on_demand(places: tf.data.Dataset, data: Data) -> Any:
    example = _packed(data.read(slice(0, 1)))
    flat = [_tensor(part) for part in keras.tree.flatten(example)]

    def read(batch: NDArray[np.int64]) -> list[NDArray[Any]]:
        try:
            found = keras.tree.flatten(_packed(data.read(batch)))
        except Exception as error:
            # TensorFlow would keep only its text: see `reading`.
            _Reading.fault = error
            raise
        return [_plain(part) for part in found]

    def load(batch: tf.Tensor) -> Any:
        parts = tf.numpy_function(read, [batch], [part.dtype for part in flat])
        for part, one in zip(parts, flat, strict=True):
            part.set_shape((None, *one.shape[1:]))
        return keras.tree.pack_sequence_as(example, parts)

    return places.map(load).prefetch(2)


class _Reading:
    """Why rows could not be read: a thread of TensorFlow's met it."""

    fault: Exception | None = None


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """In this rows are read on demand: if one cannot be, the block raises why.

    What an earlier block left, whose end did not wait for the rows that were read ahead, is
    forgotten.
    """
    _Reading.fault = None
    try:
        yield
    except Exception as error:
        fault = _Reading.fault
        if fault is not None and isinstance(error, OP_ERRORS):
            raise fault from None
        raise
    finally:
        _Reading.fault = None


def _packed(parts: tuple[Any, ...]) -> Any:
    """As `fit` takes them: x alone, or a tuple."""
    return parts[0] if len(parts) == 1 else parts


def _plain(part: NDArray[Any]) -> NDArray[Any]:
    return part.astype(object) if part.dtype.kind == "U" else part


def _tensor(part: NDArray[Any]) -> tf.Tensor:
    return tf.constant(_plain(part))


def state_of_chance() -> Any:
    """The variable of Keras's own generator of random numbers, for layers without a seed."""
    from keras.src.random.seed_generator import global_seed_generator

    return global_seed_generator().state


def host() -> contextlib.AbstractContextManager[object]:
    """In this, what is made and computed is on the CPU: texts cannot be on a GPU."""
    device: contextlib.AbstractContextManager[object] = tf.device("CPU:0")
    return device


def on_host(model: keras.Model) -> Callable[[dict[str, Any], bool], dict[str, Any]]:
    """A model from arrays by name to arrays by name that computes on the CPU, batch by batch.

    The second argument says whether layers behave as while training.
    """

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def compute(inputs: Any, training: bool) -> Any:
        return model(inputs, training=training)

    dtypes = {name: x.dtype for name, x in model.input.items()}

    def run(arrays: dict[str, Any], training: bool) -> dict[str, Any]:
        with host():
            inputs = {name: tf.constant(value, dtypes[name]) for name, value in arrays.items()}
            return {name: x.numpy() for name, x in compute(inputs, training).items()}

    return run


def threads() -> int:
    """How many threads one operation may use: it changes the last digits of a result."""
    return int(tf.config.threading.get_intra_op_parallelism_threads())


def memory_is_exhausted(error: BaseException) -> str | None:
    """Which memory was not enough, "device" or "host", if that is what the error says."""
    if isinstance(error, MemoryError):
        return "host"
    if isinstance(error, tf.errors.ResourceExhaustedError):
        return "device" if gpus() else "host"
    return None


def versions() -> dict[str, str]:
    """The versions of Keras, its backend, and what the backend was built with."""
    found = {"keras": keras.__version__, "tensorflow": tf.__version__}
    build = tf.sysconfig.get_build_info()
    if build.get("cuda_version"):
        found["cuda"] = str(build["cuda_version"])
    return found
