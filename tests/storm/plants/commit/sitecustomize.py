"""Planted: a commit does not look whether the attempt still is the job's."""

import planting

planting.take_out(
    "finish",
    "if job[1] ~= 'running' or job[2] ~= ARGV[2] or job[3] ~= ARGV[3] then return 'stale' end\n",
)
