"""Real services for the tests: Redis servers and workers, each in a process of its own."""
