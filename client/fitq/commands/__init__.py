"""One file for each command of `fitq`."""
