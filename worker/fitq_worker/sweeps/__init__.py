"""Conducting sweeps, in the worker's parent, without Keras."""
