"""Keras callbacks that tie a running job to its queue and its folder."""
