"""The local stack of `fitq up`: Redis, workers and Flower, kept alive by supervisor."""
