"""A new head on the convolutions of a trained network, which are frozen.

python freeze.py TRAINED.keras NEW.keras
"""

import sys

import keras
from keras import layers


def main(trained: str, target: str) -> None:
    base = keras.models.load_model(trained)
    for layer in base.layers:
        layer.trainable = False
    features = next(each.output for each in base.layers if isinstance(each, layers.Flatten))
    x = layers.Dense(64, activation="relu", name="new_hidden")(features)
    label = layers.Dense(10, activation="softmax", name="new_label")(x)
    model = keras.Model(base.inputs, label, name="transfer")
    model.save(target)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
