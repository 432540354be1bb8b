-- queued(n) -> running(n, worker). Only under the worker's lease, only for the spec that was sent.
-- KEYS: job, queued, front, running, events, lease, taken, queues
-- ARGV: id, attempt, spec_hash, schema, token, worker, device, threads, queue
local job = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'spec_hash', 'schema', 'token', 'queued', 'due')
-- Our own claim, asked for again because its answer was lost on the way.
if job[1] == 'running' and job[2] == ARGV[2] and job[5] == ARGV[5] then return 'claimed' end
if job[1] ~= 'queued' or job[2] ~= ARGV[2] then return 'stale' end
if job[3] ~= ARGV[3] then return 'altered' end
if job[4] ~= ARGV[4] then return 'other-version' end
if job[7] then return 'early' end
if redis.call('GET', KEYS[6]) ~= ARGV[5] then return 'no-lease' end
local time = redis.call('TIME')
local now = string.format('%d.%06d', time[1], time[2])
redis.call('HSET', KEYS[1], 'state', 'running', 'token', ARGV[5], 'lease', KEYS[6],
  'worker', ARGV[6], 'device_name', ARGV[7], 'started', now)
redis.call('HSETNX', KEYS[1], 'threads', ARGV[8])
redis.call('ZADD', KEYS[4], now, ARGV[1])
redis.call('XADD', KEYS[5], '*', 'type', 'started', 'attempt', ARGV[2], 'worker', ARGV[6], 'at', now)
redis.call('ZREM', KEYS[3], ARGV[1])
-- First in, first out: a job queued before the last one taken must have lost its message.
-- One that came to the front says nothing about those that wait behind it.
if redis.call('ZREM', KEYS[2], ARGV[1]) == 1
    and tonumber(job[6]) > tonumber(redis.call('GET', KEYS[7]) or '0') then
  redis.call('SET', KEYS[7], job[6])
end
if redis.call('ZCARD', KEYS[2]) + redis.call('ZCARD', KEYS[3]) == 0 then
  redis.call('SREM', KEYS[8], ARGV[9])
end
return 'claimed'
