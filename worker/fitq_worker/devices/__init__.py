"""The devices of a host: what there is, what a worker asks for, and how it comes to hold it."""
