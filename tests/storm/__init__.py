"""The storm: real workers on a real queue, faults at random, and an auditor.

`make soak` runs it: `python -m storm` with `tests/` on the path. A seed replays its choices.
"""
