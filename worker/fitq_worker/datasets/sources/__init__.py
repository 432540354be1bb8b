"""Where data sets come from: one file for each kind of place."""
