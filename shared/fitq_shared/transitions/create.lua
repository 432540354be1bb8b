-- A new job: its record, queued. Refuses an id that is taken.
-- KEYS: job, jobs, queued, by_name, events, queues
-- ARGV: id, nonce, queue, then field, value, ...
if redis.call('EXISTS', KEYS[1]) == 1 then
  -- Our own job, asked for again because its answer was lost on the way.
  if redis.call('HGET', KEYS[1], 'nonce') == ARGV[2] then return 'created' end
  return 'taken'
end
local time = redis.call('TIME')
local now = string.format('%d.%06d', time[1], time[2])
redis.call('HSET', KEYS[1], 'nonce', ARGV[2], unpack(ARGV, 4))
redis.call('HSET', KEYS[1], 'queue', ARGV[3], 'state', 'queued', 'attempt', 1, 'losses', 0, 'created', now, 'queued', now, 'sent', now)
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('ZADD', KEYS[3], now, ARGV[1])
redis.call('SADD', KEYS[6], ARGV[3])
redis.call('ZADD', KEYS[4], now, ARGV[1])
redis.call('XADD', KEYS[5], '*', 'type', 'queued', 'attempt', 1, 'at', now)
return 'created'
