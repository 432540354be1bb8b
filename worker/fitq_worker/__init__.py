"""What a device runs: Celery, Keras, and the artifacts of a job."""

__version__ = "0.1.0"
