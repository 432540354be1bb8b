-- queued -> cancelled at once; running: marked, and its worker stops at its next batch.
-- KEYS: job, queued, front, delayed, events, unkept   ARGV: id, keep_events_ms
local job = redis.call('HMGET', KEYS[1], 'state', 'attempt')
local time = redis.call('TIME')
local now = string.format('%d.%06d', time[1], time[2])
if job[1] == 'running' then
  redis.call('HSET', KEYS[1], 'cancel', 1)
  redis.call('HSETNX', KEYS[1], 'cancel_asked', now)
  return 'stopping'
end
if job[1] ~= 'queued' then return job[1] or 'unknown' end
redis.call('HSET', KEYS[1], 'state', 'cancelled', 'cancel', 1, 'finished', now)
redis.call('HDEL', KEYS[1], 'due')
for key = 2, 4 do redis.call('ZREM', KEYS[key], ARGV[1]) end
redis.call('XADD', KEYS[5], '*', 'type', 'cancelled', 'attempt', job[2], 'at', now)
redis.call('PEXPIRE', KEYS[5], ARGV[2])
-- A job that has never run has no copy in the volume that would say otherwise.
if job[2] ~= '1' then redis.call('SADD', KEYS[6], ARGV[1]) end
return 'cancelled'
