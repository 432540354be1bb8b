-- Remove the record of a job that has ended, and all that goes with it; not what came after the
-- attempt that was read: its job was retried since, and may have published another result.
-- KEYS: job, jobs, by_name, events, progress, versions_of_job, unsettled, behind, then the sets of
--       those behind the jobs that it came after
-- ARGV: id, attempt
local job = redis.call('HMGET', KEYS[1], 'state', 'attempt')
if not job[1] then return 'forgotten' end
local open = job[1] == 'waiting' or job[1] == 'queued' or job[1] == 'running'
if open or job[2] ~= ARGV[2] then return job[1] end
if redis.call('EXISTS', KEYS[6]) == 1 then return 'registered' end
redis.call('DEL', KEYS[1], KEYS[4], KEYS[5])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('SUNIONSTORE', KEYS[7], KEYS[7], KEYS[8])
redis.call('SREM', KEYS[7], ARGV[1])
for at = 9, #KEYS do redis.call('SREM', KEYS[at], ARGV[1]) end
return 'forgotten'
