-- running(n, token) -> queued(n + 1), because its worker is lost or gives the job back.
-- A job that was to be cancelled is cancelled; one that lost too many workers has failed.
-- KEYS: job, running, queued, events, lease
-- ARGV: id, attempt, token, reason (JSON), counts ('1': a lost worker), limit,
--       guard ('1': only when nobody holds the lease any more), keep_events_ms
local job = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'token', 'losses', 'cancel')
if job[1] ~= 'running' or job[2] ~= ARGV[2] or job[3] ~= ARGV[3] then return 'stale' end
if ARGV[7] == '1' and redis.call('GET', KEYS[5]) == ARGV[3] then return 'alive' end
local time = redis.call('TIME')
local now = string.format('%d.%06d', time[1], time[2])
local losses = tonumber(job[4]) + tonumber(ARGV[5])
redis.call('HDEL', KEYS[1], 'token', 'lease')
redis.call('HSET', KEYS[1], 'losses', losses)
redis.call('ZREM', KEYS[2], ARGV[1])
local state = 'queued'
if job[5] == '1' then
  state = 'cancelled'
elseif losses >= tonumber(ARGV[6]) then
  state = 'failed'
  redis.call('HSET', KEYS[1], 'reason', ARGV[4])
end
redis.call('HSET', KEYS[1], 'state', state)
redis.call('XADD', KEYS[4], '*', 'type', state == 'queued' and 'requeued' or state,
  'attempt', ARGV[2], 'reason', ARGV[4], 'at', now)
if state == 'queued' then
  redis.call('HDEL', KEYS[1], 'started', 'worker', 'device_name')
  redis.call('HSET', KEYS[1], 'attempt', tonumber(ARGV[2]) + 1, 'queued', now, 'sent', now)
  redis.call('ZADD', KEYS[3], now, ARGV[1])
else
  redis.call('HSET', KEYS[1], 'finished', now)
  redis.call('PEXPIRE', KEYS[4], ARGV[8])
end
return state
