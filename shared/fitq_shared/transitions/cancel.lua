-- queued, waiting -> cancelled at once; running: marked, and its worker stops at its next batch.
-- KEYS: job, queued, front, delayed, events, queues, unkept, unsettled, behind
-- ARGV: id, keep_events_ms, queue, why (JSON, or '')
local job = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'queue')
local time = redis.call('TIME')
local now = string.format('%d.%06d', time[1], time[2])
if job[1] == 'running' then
  redis.call('HSET', KEYS[1], 'cancel', 1)
  redis.call('HSETNX', KEYS[1], 'cancel_asked', now)
  if ARGV[4] ~= '' then redis.call('HSETNX', KEYS[1], 'reason', ARGV[4]) end
  return 'stopping'
end
if job[1] ~= 'queued' and job[1] ~= 'waiting' then return job[1] or 'unknown' end
-- It was retried since its queue was looked up, and may be in another lane.
if (job[3] or '') ~= ARGV[3] then return 'moved' end
redis.call('HSET', KEYS[1], 'state', 'cancelled', 'cancel', 1, 'finished', now)
if ARGV[4] ~= '' then redis.call('HSET', KEYS[1], 'reason', ARGV[4]) end
redis.call('HDEL', KEYS[1], 'due')
for key = 2, 4 do redis.call('ZREM', KEYS[key], ARGV[1]) end
redis.call('SUNIONSTORE', KEYS[8], KEYS[8], KEYS[9])
if redis.call('ZCARD', KEYS[2]) + redis.call('ZCARD', KEYS[3]) == 0 then
  redis.call('SREM', KEYS[6], ARGV[3])
end
redis.call('XADD', KEYS[5], '*', 'type', 'cancelled', 'attempt', job[2], 'at', now)
redis.call('PEXPIRE', KEYS[5], ARGV[2])
-- A job that has never run has no copy in the volume that would say otherwise.
if job[2] ~= '1' then redis.call('SADD', KEYS[7], ARGV[1]) end
return 'cancelled'
