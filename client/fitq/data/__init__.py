"""Data sets of the user's own: looked through, uploaded and registered, without Keras."""
