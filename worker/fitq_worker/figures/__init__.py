"""The pictures of a job, one a file: each a function from arrays to a PNG."""
