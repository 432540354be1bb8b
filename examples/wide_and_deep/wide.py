"""Wide and deep: categories straight to the outputs, numbers through hidden layers; two outputs."""

import keras
from keras import layers

DISTRICTS = ["fields", "harbour", "hill", "old-town", "station"]
CONDITIONS = ["good", "new", "worn"]


def build(units: int = 32) -> keras.Model:
    """From a row's columns to `price`, a number, and `quick`, a probability."""
    district = keras.Input((), dtype="string", name="district")
    condition = keras.Input((), dtype="string", name="condition")
    area = keras.Input((), name="area")
    rooms = keras.Input((), name="rooms")
    year = keras.Input((), name="year")
    one_hot = [
        layers.StringLookup(vocabulary=names, output_mode="one_hot")(column)
        for names, column in ((DISTRICTS, district), (CONDITIONS, condition))
    ]
    wide = layers.Concatenate(name="wide")(one_hot)
    scaled = [
        layers.Reshape((1,))(layers.Rescaling(scale, offset)(number))
        for number, scale, offset in ((area, 1 / 50, -2), (rooms, 1 / 2, -2), (year, 1 / 40, -49))
    ]
    deep = layers.Concatenate(name="deep")([*scaled, wide])
    for _ in range(2):
        deep = layers.Dense(units, activation="relu")(deep)
    both = layers.Concatenate()([wide, deep])
    price = layers.Rescaling(100.0, name="price")(layers.Dense(1)(both))
    quick = layers.Dense(1, activation="sigmoid", name="quick")(both)
    columns = [district, condition, area, rooms, year]
    return keras.Model(columns, {"price": price, "quick": quick}, name="wide_and_deep")
