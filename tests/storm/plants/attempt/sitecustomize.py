"""Planted: a claim does not look whether the job is queued, and as which attempt."""

import planting

planting.take_out(
    "claim",
    "if job[1] ~= 'queued' or job[2] ~= ARGV[2] then return 'stale' end\n",
)
