-- A change of a sweep, made of its record as it was at one version: else somebody else was faster.
-- KEYS: sweep, trials, sweeps, by_name, open, unkept
-- ARGV: id, version ('0': a new one), change, open ('1'), keep ('1'), created, count of the
--       fields that follow with their values, fields ..., then number, trial, ...
if redis.call('HGET', KEYS[1], 'change') == ARGV[3] then return 'written' end
local version = redis.call('HGET', KEYS[1], 'version') or '0'
if version ~= ARGV[2] then return 'stale' end
local last = 7 + tonumber(ARGV[7])
redis.call('HSET', KEYS[1], unpack(ARGV, 8, last))
redis.call('HSET', KEYS[1], 'version', tonumber(version) + 1, 'change', ARGV[3])
for at = last + 1, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1]) end
redis.call('ZADD', KEYS[3], ARGV[6], ARGV[1])
redis.call('ZADD', KEYS[4], ARGV[6], ARGV[1])
redis.call(ARGV[4] == '1' and 'SADD' or 'SREM', KEYS[5], ARGV[1])
if ARGV[5] == '1' then redis.call('SADD', KEYS[6], ARGV[1]) end
return 'written'
