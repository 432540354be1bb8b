"""Sweeps: many trainings of one kind, which differ in a few values, to find the best."""
