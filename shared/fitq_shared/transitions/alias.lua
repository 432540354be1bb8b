-- An alias comes to name a version (0: none), if it still names the one that was looked at.
-- KEYS: model, history, unkept
-- ARGV: name, alias, version, expected ('*': whichever), by, why, nonce
local field = 'alias:' .. ARGV[2]
-- Our own change, asked for again because its answer was lost on the way.
if redis.call('HGET', KEYS[1], 'change') == ARGV[7] then
  return redis.call('HGET', KEYS[1], 'answer')
end
if ARGV[3] ~= '0' and redis.call('HEXISTS', KEYS[1], 'version:' .. ARGV[3]) == 0 then
  return 'gone'
end
local held = redis.call('HGET', KEYS[1], field) or '0'
if ARGV[4] ~= '*' and held ~= ARGV[4] then return 'moved:' .. held end
if held == ARGV[3] then return 'same:' .. held end
local time = redis.call('TIME')
if ARGV[3] == '0' then
  redis.call('HDEL', KEYS[1], field)
else
  redis.call('HSET', KEYS[1], field, ARGV[3])
end
redis.call('HSET', KEYS[1], 'change', ARGV[7], 'answer', 'set:' .. held)
redis.call('HINCRBY', KEYS[1], 'revision', 1)
redis.call('RPUSH', KEYS[2], cjson.encode({
  alias = ARGV[2], version = tonumber(ARGV[3]), before = tonumber(held), by = ARGV[5],
  why = ARGV[6], at = tonumber(string.format('%d.%06d', time[1], time[2])),
}))
redis.call('SADD', KEYS[3], ARGV[1])
return 'set:' .. held
