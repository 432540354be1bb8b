"""Submit Keras jobs to a queue and follow them."""

__version__ = "0.1.0"
