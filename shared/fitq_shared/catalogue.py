"""The data sets that fitq knows by name: facts that need no download.

Sources: Yann LeCun, Corinna Cortes and Christopher Burges, "The MNIST database of
handwritten digits"; Han Xiao, Kashif Rasul and Roland Vollgraf, "Fashion-MNIST"
(arXiv:1708.07747), which also gives the ten class names. The sums are SHA-256 over
each array's bytes in C order, taken from the arrays of `keras.datasets`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DatasetFacts:
    """What is known of a data set before it is loaded.

    Arrays are `x_train`, `y_train`, `x_test`, `y_test`: images uint8 of shape
    (rows, *image_shape) with values 0 to 255, labels uint8 of shape (rows,).
    """

    name: str
    title: str
    image_shape: tuple[int, int]
    class_names: tuple[str, ...]
    rows: dict[str, int]
    sums: dict[str, str]

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)


MNIST = DatasetFacts(
    name="mnist",
    title="MNIST handwritten digits",
    image_shape=(28, 28),
    class_names=tuple("0123456789"),
    rows={"train": 60_000, "test": 10_000},
    sums={
        "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
        "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
        "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
        "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
    },
)

FASHION_MNIST = DatasetFacts(
    name="fashion_mnist",
    title="Fashion-MNIST articles of clothing",
    image_shape=(28, 28),
    class_names=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    rows={"train": 60_000, "test": 10_000},
    sums={
        "x_train": "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
        "y_train": "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
        "x_test": "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
        "y_test": "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
    },
)

DATASETS = {facts.name: facts for facts in (MNIST, FASHION_MNIST)}
SPLITS = ("train", "test")
