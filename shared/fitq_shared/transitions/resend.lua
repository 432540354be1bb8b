-- Take the right to send a queued job's message, to the front: of several reapers, one gets it.
-- For a message that was lost, and for a job that waited until it was due.
-- KEYS: job, queued, front, delayed, queues   ARGV: id, attempt, sent, queue
local job = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'sent')
if job[1] ~= 'queued' or job[2] ~= ARGV[2] or job[3] ~= ARGV[3] then return 'stale' end
local time = redis.call('TIME')
local now = string.format('%d.%06d', time[1], time[2])
redis.call('HSET', KEYS[1], 'sent', now)
redis.call('HDEL', KEYS[1], 'due')
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('ZADD', KEYS[3], now, ARGV[1])
redis.call('SADD', KEYS[5], ARGV[4])
return 'resend'
