-- The result of a job that has succeeded becomes the next version of a model.
-- KEYS: job, model, models, versions_of_job, unkept   ARGV: name, attempt, manifest, nonce, by
local job = redis.call('HMGET', KEYS[1], 'id', 'name', 'state', 'attempt', 'manifest')
if job[3] ~= 'succeeded' or job[4] ~= ARGV[2] or job[5] ~= ARGV[3] then return 'stale' end
local known = redis.call('HGET', KEYS[2], 'job:' .. job[1])
if known then return known end
local time = redis.call('TIME')
return register(KEYS[2], KEYS[3], KEYS[4], KEYS[5], {
  name = ARGV[1], job = job[1], job_name = job[2], attempt = job[4], manifest = job[5],
  now = string.format('%d.%06d', time[1], time[2]), nonce = ARGV[4], by = ARGV[5],
})
