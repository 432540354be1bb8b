-- A version is no longer one of its model: its job may be removed. One that an alias names stays.
-- KEYS: model, models, versions_of_job, unkept   ARGV: name, version, job
local field = 'version:' .. ARGV[2]
if redis.call('HGET', KEYS[1], 'job:' .. ARGV[3]) ~= ARGV[2] then return 'gone' end
local fields = redis.call('HGETALL', KEYS[1])
for at = 1, #fields, 2 do
  if fields[at + 1] == ARGV[2] and string.sub(fields[at], 1, 6) == 'alias:' then
    return 'alias:' .. string.sub(fields[at], 7)
  end
end
redis.call('HDEL', KEYS[1], field, 'job:' .. ARGV[3])
-- Else a copy in the volume that is older would bring it back.
redis.call('HSET', KEYS[1], 'gone:' .. ARGV[2] .. ':' .. ARGV[3], 1)
redis.call('HINCRBY', KEYS[1], 'revision', 1)
redis.call('SREM', KEYS[3], ARGV[1] .. '@' .. ARGV[2])
redis.call('SADD', KEYS[4], ARGV[1])
return 'unregistered'
