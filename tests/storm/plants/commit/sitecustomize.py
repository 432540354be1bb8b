"""Planted: a commit does not look whether the attempt still is the job's."""

import planting

planting.take_out(
    "-- running(n, token) -> succeeded, failed or cancelled",
    "if job[1] ~= 'running' or job[2] ~= ARGV[2] or job[3] ~= ARGV[3] then return 'stale' end\n",
)
