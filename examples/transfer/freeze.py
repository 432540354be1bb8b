"""A new head on a trained network whose layers are frozen.

python freeze.py TRAINED.keras NEW.keras
"""

import sys

import keras
from keras import layers


def main(trained: str, target: str) -> None:
    base = keras.models.load_model(trained)
    for layer in base.layers:
        layer.trainable = False
    features = base.layers[-2].output
    x = layers.Dense(64, activation="relu", name="new_hidden")(features)
    label = layers.Dense(10, activation="softmax", name="new_label")(x)
    model = keras.Model(base.inputs, label, name="transfer")
    model.save(target)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
