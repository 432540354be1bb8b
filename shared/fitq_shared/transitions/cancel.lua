-- queued -> cancelled at once; running: marked, and its worker stops at its next batch.
-- KEYS: job, queued, events   ARGV: id, keep_events_ms
local job = redis.call('HMGET', KEYS[1], 'state', 'attempt')
if job[1] == 'running' then
  redis.call('HSET', KEYS[1], 'cancel', 1)
  return 'stopping'
end
if job[1] ~= 'queued' then return job[1] or 'unknown' end
local time = redis.call('TIME')
local now = string.format('%d.%06d', time[1], time[2])
redis.call('HSET', KEYS[1], 'state', 'cancelled', 'cancel', 1, 'finished', now)
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('XADD', KEYS[3], '*', 'type', 'cancelled', 'attempt', job[2], 'at', now)
redis.call('PEXPIRE', KEYS[3], ARGV[2])
return 'cancelled'
