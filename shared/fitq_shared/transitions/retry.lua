-- failed or cancelled -> queued(n + 1), because its owner wants it to run again; waiting(n + 1)
-- if those that it comes after have not all succeeded yet.
-- KEYS: job, queued, events, queues, unsettled, behind
-- ARGV: id, attempt, fresh ('1': from the start), queue
local job = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'after', 'released')
local following = tonumber(ARGV[2]) + 1
-- Our own change, asked for again because its answer was lost on the way.
if (job[1] == 'queued' or job[1] == 'waiting') and tonumber(job[2]) == following then
  return 'retried'
end
if job[2] ~= ARGV[2] then return 'stale' end
if job[1] ~= 'failed' and job[1] ~= 'cancelled' then return job[1] or 'unknown' end
local time = redis.call('TIME')
local now = string.format('%d.%06d', time[1], time[2])
redis.call('HDEL', KEYS[1], 'token', 'lease', 'worker', 'device_name', 'started', 'finished',
  'cancel', 'cancel_asked', 'reason', 'metrics', 'manifest', 'due')
local state = job[3] and not job[4] and 'waiting' or 'queued'
redis.call('HSET', KEYS[1], 'state', state, 'attempt', following, 'queued', now, 'sent', now,
  'queue', ARGV[4], 'losses', 0, 'faults', 0, 'ran', 0)
if ARGV[3] == '1' then
  if redis.call('HEXISTS', KEYS[1], 'fixed_threads') == 0 then
    redis.call('HDEL', KEYS[1], 'threads')
  end
  redis.call('HSET', KEYS[1], 'first_attempt', following)
end
if state == 'queued' then
  redis.call('ZADD', KEYS[2], now, ARGV[1])
  redis.call('SADD', KEYS[4], ARGV[4])
else
  redis.call('SADD', KEYS[5], ARGV[1])
end
-- Those that come after it and ended for that wait again.
redis.call('SUNIONSTORE', KEYS[5], KEYS[5], KEYS[6])
redis.call('XADD', KEYS[3], '*', 'type', state, 'attempt', following, 'at', now)
redis.call('PERSIST', KEYS[3])
return 'retried'
