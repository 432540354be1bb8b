-- Take the right to send a queued job's message again: of several reapers, one gets it.
-- KEYS: job, queued   ARGV: id, attempt, sent
local job = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'sent')
if job[1] ~= 'queued' or job[2] ~= ARGV[2] or job[3] ~= ARGV[3] then return 'stale' end
local time = redis.call('TIME')
local now = string.format('%d.%06d', time[1], time[2])
redis.call('HSET', KEYS[1], 'sent', now)
redis.call('ZADD', KEYS[2], now, ARGV[1])
return 'resend'
