-- The volume has a copy of the sweep as it was at this version: no other is needed, unless it has
-- changed since.
-- KEYS: sweep, unkept   ARGV: id, version
local version = redis.call('HGET', KEYS[1], 'version')
if version and version ~= ARGV[2] then return 'changed' end
redis.call('SREM', KEYS[2], ARGV[1])
return version and 'kept' or 'gone'
