-- The volume has a copy of the record as it was: no other is needed, unless it has changed since.
-- Then one is needed, also if there was one: a slow writer has just written over it.
-- KEYS: job, unkept   ARGV: id, state, attempt
local job = redis.call('HMGET', KEYS[1], 'state', 'attempt')
if job[1] and (job[1] ~= ARGV[2] or job[2] ~= ARGV[3]) then
  redis.call('SADD', KEYS[2], ARGV[1])
  return 'changed'
end
redis.call('SREM', KEYS[2], ARGV[1])
return job[1] and 'kept' or 'gone'
