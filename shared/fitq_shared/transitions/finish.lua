-- running(n, token) -> succeeded, failed or cancelled. For succeeded this is the publication.
-- With a model's name it becomes the next version of that model in the same step.
-- KEYS: job, running, events, unkept, unsettled, behind; with a model's name model, models,
--       versions_of_job, unkept_models too
-- ARGV: id, attempt, token, state, keep_events_ms, model_name, nonce, then field, value, ...
local job = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'token', 'started', 'ran')
-- Our own change, asked for again because its answer was lost on the way.
if job[1] == ARGV[4] and job[2] == ARGV[2] and job[3] == ARGV[3] then return 'finished' end
if job[1] ~= 'running' or job[2] ~= ARGV[2] or job[3] ~= ARGV[3] then return 'stale' end
local time = redis.call('TIME')
local now = string.format('%d.%06d', time[1], time[2])
local ran = string.format('%.3f', tonumber(job[5] or '0') + tonumber(now) - tonumber(job[4]))
redis.call('HSET', KEYS[1], 'state', ARGV[4], 'finished', now, 'ran', ran)
-- Why it was to be cancelled, when it was faster.
if ARGV[4] == 'succeeded' then redis.call('HDEL', KEYS[1], 'reason') end
if #ARGV > 7 then redis.call('HSET', KEYS[1], unpack(ARGV, 8)) end
redis.call('HDEL', KEYS[1], 'lease')
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('SADD', KEYS[4], ARGV[1])
-- Those that come after it are looked at once more, whoever dies before it has done so.
redis.call('SUNIONSTORE', KEYS[5], KEYS[5], KEYS[6])
redis.call('XADD', KEYS[3], '*', 'type', ARGV[4], 'attempt', ARGV[2], 'at', now)
redis.call('PEXPIRE', KEYS[3], ARGV[5])
if ARGV[6] ~= '' then
  local made = redis.call('HMGET', KEYS[1], 'name', 'owner', 'manifest')
  register(KEYS[7], KEYS[8], KEYS[9], KEYS[10], {
    name = ARGV[6], job = ARGV[1], job_name = made[1], by = made[2], manifest = made[3],
    attempt = ARGV[2], now = now, nonce = ARGV[7],
  })
end
return 'finished'
