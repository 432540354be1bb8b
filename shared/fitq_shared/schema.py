"""The version of what clients and workers say to each other: specs, records, messages.

It is part of every queue's name, so a worker never takes a job of a version that it does not
know; the job waits for one that does.
"""

from __future__ import annotations

SCHEMA_VERSION = 1
