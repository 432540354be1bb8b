-- The record of a job that Redis has lost, from what the volume knows. Refuses one that is there.
-- KEYS: job, jobs, by_name, front, queues, unsettled, behind, then the sets of those behind the
--       jobs that it comes after
-- ARGV: id, created, queued ('1'), queue, then field, value, ...
if redis.call('EXISTS', KEYS[1]) == 1 then return 'known' end
local time = redis.call('TIME')
local now = string.format('%d.%06d', time[1], time[2])
redis.call('HSET', KEYS[1], unpack(ARGV, 5))
redis.call('HSET', KEYS[1], 'sent', now, 'queued', now)
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
redis.call('ZADD', KEYS[3], ARGV[2], ARGV[1])
for at = 8, #KEYS do redis.call('SADD', KEYS[at], ARGV[1]) end
redis.call('SADD', KEYS[6], ARGV[1])
redis.call('SUNIONSTORE', KEYS[6], KEYS[6], KEYS[7])
if ARGV[3] == '1' then
  redis.call('ZADD', KEYS[4], now, ARGV[1])
  redis.call('SADD', KEYS[5], ARGV[4])
end
return 'restored'
