"""What fitq's client and worker agree on."""

__version__ = "0.1.0"
