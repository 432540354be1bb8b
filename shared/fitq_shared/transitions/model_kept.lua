-- The volume has a copy of a model as it was at this revision: no other is needed, unless it has
-- changed since.
-- KEYS: model, unkept   ARGV: name, revision
if (redis.call('HGET', KEYS[1], 'revision') or '0') == ARGV[2] then
  redis.call('SREM', KEYS[2], ARGV[1])
end
return 'kept'
