-- queued(n) -> running(n, worker). Only under the worker's lease, only for the spec that was sent.
-- KEYS: job, queued, running, events, lease, queue_clock
-- ARGV: id, attempt, spec_hash, token, worker, device
local job = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'spec_hash', 'queued', 'token')
-- Our own claim, asked for again because its answer was lost on the way.
if job[1] == 'running' and job[2] == ARGV[2] and job[5] == ARGV[4] then return 'claimed' end
if job[1] ~= 'queued' or job[2] ~= ARGV[2] then return 'stale' end
if job[3] ~= ARGV[3] then return 'altered' end
if redis.call('GET', KEYS[5]) ~= ARGV[4] then return 'no-lease' end
local time = redis.call('TIME')
local now = string.format('%d.%06d', time[1], time[2])
redis.call('HSET', KEYS[1], 'state', 'running', 'token', ARGV[4], 'lease', KEYS[5],
  'worker', ARGV[5], 'device_name', ARGV[6], 'started', now)
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[3], now, ARGV[1])
redis.call('XADD', KEYS[4], '*', 'type', 'started', 'attempt', ARGV[2], 'worker', ARGV[5], 'at', now)
-- First in, first out: a job queued before the last one taken must have lost its message.
-- Not by the time it was last sent: the message taken may be an older one.
if tonumber(job[4]) > tonumber(redis.call('GET', KEYS[6]) or '0') then
  redis.call('SET', KEYS[6], job[4])
end
return 'claimed'
