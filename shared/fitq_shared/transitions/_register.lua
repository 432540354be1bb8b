-- Put before the scripts that register a model: the next version of a model for a job's result.
-- A job that is there already keeps its number, and gets the attempt that was published last.
local function register(model, models, versions_of_job, unkept, values)
  local field = 'job:' .. values.job
  local number = redis.call('HGET', model, field)
  if not number then
    number = redis.call('HINCRBY', model, 'last', 1)
    redis.call('HSET', model, field, number)
    redis.call('HSETNX', model, 'life', values.nonce)
  end
  redis.call('HINCRBY', model, 'revision', 1)
  redis.call('HSET', model, 'version:' .. number, cjson.encode({
    version = tonumber(number), job = values.job, job_name = values.job_name,
    attempt = tonumber(values.attempt), manifest = values.manifest,
    registered = tonumber(values.now), by = values.by,
  }))
  redis.call('SADD', models, values.name)
  redis.call('SADD', versions_of_job, values.name .. '@' .. number)
  redis.call('SADD', unkept, values.name)
  return tostring(number)
end

