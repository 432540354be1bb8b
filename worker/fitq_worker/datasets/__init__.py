"""The data sets that a job can name: where they come from, checked, kept in the volume."""
