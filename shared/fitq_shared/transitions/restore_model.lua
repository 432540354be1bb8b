-- What a copy in the volume knows of a model, and Redis does not. What Redis knows stays as it is.
-- A version whose number another job has by now becomes the newest one.
-- KEYS: model, models, history, unkept, then versions_of_job, one for each version
-- ARGV: name, life, versions, aliases, gone, history (each a JSON array, the oldest first)
local versions, aliases = cjson.decode(ARGV[3]), cjson.decode(ARGV[4])
local gone, history = cjson.decode(ARGV[5]), cjson.decode(ARGV[6])
local life = redis.call('HGET', KEYS[1], 'life')
if not life then redis.call('HSET', KEYS[1], 'life', ARGV[2]) end
-- Of this life Redis knows every alias; of another one only what was taken over, once.
local other = life ~= ARGV[2] and redis.call('HSETNX', KEYS[1], 'merged:' .. ARGV[2], 1) == 1
for _, field in ipairs(gone) do redis.call('HSET', KEYS[1], field, 1) end
local numbers, restored = {}, 0
for at, version in ipairs(versions) do
  local number, job = string.format('%d', version.version), 'job:' .. version.job
  local known = redis.call('HGET', KEYS[1], job)
  if known then
    numbers[number] = known
  elseif redis.call('HEXISTS', KEYS[1], 'gone:' .. number .. ':' .. version.job) == 0 then
    local last = tonumber(redis.call('HGET', KEYS[1], 'last') or '0')
    local new = number
    if redis.call('HEXISTS', KEYS[1], 'version:' .. number) == 1 then
      new = string.format('%d', last + 1)
    end
    if tonumber(new) > last then redis.call('HSET', KEYS[1], 'last', new) end
    version.version = tonumber(new)
    redis.call('HSET', KEYS[1], job, new, 'version:' .. new, cjson.encode(version))
    redis.call('SADD', KEYS[4 + at], ARGV[1] .. '@' .. new)
    numbers[number] = new
    restored = restored + 1
  end
end
if other then
  for _, alias in ipairs(aliases) do
    local number = numbers[string.format('%d', alias.version)]
    if number then redis.call('HSETNX', KEYS[1], 'alias:' .. alias.alias, number) end
  end
  for at = #history, 1, -1 do redis.call('LPUSH', KEYS[3], history[at]) end
end
redis.call('HINCRBY', KEYS[1], 'revision', 1)
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('SADD', KEYS[4], ARGV[1])
return restored
