-- Take the right to send a queued job's message, to the front: of several reapers, one gets it.
-- For a message that was lost, and for a job that waited until it was due.
-- KEYS: job, queued, front, delayed, queues   ARGV: id, attempt, sent, nonce, queue
local job = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'sent', 'resent')
if job[1] ~= 'queued' or job[2] ~= ARGV[2] then return 'stale' end
-- Our own right, asked for again because its answer was lost on the way.
if job[4] == ARGV[4] then return 'resend' end
if tonumber(job[3]) ~= tonumber(ARGV[3]) then return 'stale' end
local time = redis.call('TIME')
local now = string.format('%d.%06d', time[1], time[2])
redis.call('HSET', KEYS[1], 'sent', now, 'resent', ARGV[4])
redis.call('HDEL', KEYS[1], 'due')
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('ZADD', KEYS[3], now, ARGV[1])
redis.call('SADD', KEYS[5], ARGV[5])
return 'resend'
