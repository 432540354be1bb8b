-- Remove the record of a job that has ended, and all that goes with it.
-- KEYS: job, jobs, by_name, events, progress   ARGV: id
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return 'forgotten' end
if state == 'queued' or state == 'running' then return state end
redis.call('DEL', KEYS[1], KEYS[4], KEYS[5])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
return 'forgotten'
