-- Remove the record of a sweep that has ended, if it still is as it was read.
-- KEYS: sweep, trials, sweeps, by_name, open, unkept   ARGV: id, version
local sweep = redis.call('HMGET', KEYS[1], 'version', 'state')
if not sweep[1] then return 'forgotten' end
if sweep[1] ~= ARGV[2] or sweep[2] == 'running' then return 'stale' end
if redis.call('SISMEMBER', KEYS[5], ARGV[1]) == 1 then return 'stale' end
redis.call('DEL', KEYS[1], KEYS[2])
for key = 3, 4 do redis.call('ZREM', KEYS[key], ARGV[1]) end
redis.call('SREM', KEYS[6], ARGV[1])
return 'forgotten'
