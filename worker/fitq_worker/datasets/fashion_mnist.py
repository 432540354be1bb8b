"""Where Fashion-MNIST comes from."""

from __future__ import annotations

from fitq_shared import catalogue
from fitq_worker.datasets import idx
from fitq_worker.datasets.known import KnownDataset
from fitq_worker.datasets.sources.debian_package import DebianPackage
from fitq_worker.datasets.sources.keras_cache import KerasCache
from fitq_worker.datasets.sources.keras_download import KerasDownload

FOLDER = "datasets/fashion-mnist"

FASHION_MNIST = KnownDataset(
    facts=catalogue.FASHION_MNIST,
    sources=(
        KerasCache(FOLDER, read=idx.read_folder),
        KerasDownload("keras.datasets.fashion_mnist", target=FOLDER),
        DebianPackage("dataset-fashion-mnist", folder="usr/share/datasets/fashion-mnist"),
    ),
    remedy=f"put the four files {idx.FILES['x_train']}.gz, ... into the worker's "
    f"~/.keras/{FOLDER}, or give it the internet",
)
