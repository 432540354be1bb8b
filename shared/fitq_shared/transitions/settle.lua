-- What a job is to do that comes after others, now that these have changed:
-- waiting -> queued, when all have succeeded; failed or cancelled, when one of them is;
-- and, if that was why it ended, failed or cancelled -> waiting(n + 1) when they are tried again.
-- KEYS: job, unsettled, behind, queued, queues, events, unkept, then the jobs that it comes after
-- ARGV: id, nonce, queue, keep_events_ms, then the ids of the jobs that it comes after
local job = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'reason', 'released')
redis.call('SREM', KEYS[2], ARGV[1])
-- Our own change, asked for again because its answer was lost on the way.
if job[1] == 'queued' and job[4] == ARGV[2] then return 'released' end
-- Whoever can write to Redis may have written another; it must not keep those behind it waiting.
local function reason_of(text)
  local is_json, reason = pcall(cjson.decode, text or '{}')
  return is_json and type(reason) == 'table' and reason or {}
end
local stopped = (job[1] == 'failed' or job[1] == 'cancelled') and reason_of(job[3]).kind == 'after'
if job[1] ~= 'waiting' and not stopped then return job[1] or 'unknown' end

-- Why it cannot run: that one before it failed comes before that one was cancelled.
local state, reason, open
for at = 8, #KEYS do
  local other = redis.call('HMGET', KEYS[at], 'state', 'name', 'reason')
  local why = reason_of(other[3])
  if not other[1] then
    state = 'failed'
    reason = {kind = 'after', message = 'after ' .. ARGV[at - 3] .. ', which was removed',
      hint = 'submit it again'}
  elseif other[1] == 'failed' or (other[1] == 'cancelled' and not state) then
    state = other[1]
    if why.kind == 'after' and type(why.message) == 'string' then
      reason = why
    else
      local said = type(why.message) == 'string' and ': ' .. why.message or ''
      local what = state == 'failed' and 'failed' or 'was cancelled'
      reason = {kind = 'after', message = 'after ' .. other[2] .. ', which ' .. what .. said,
        hint = 'go on from there with `fitq retry ' .. other[2] .. '`'}
    end
  elseif other[1] ~= 'succeeded' then
    open = true
  end
end

local attempt = tonumber(job[2])
local time = redis.call('TIME')
local now = string.format('%d.%06d', time[1], time[2])
local function tell_those_behind() redis.call('SUNIONSTORE', KEYS[2], KEYS[2], KEYS[3]) end
if state then
  if stopped then return job[1] end
  local text = cjson.encode(reason)
  redis.call('HSET', KEYS[1], 'state', state, 'reason', text, 'finished', now)
  redis.call('XADD', KEYS[6], '*', 'type', state, 'attempt', attempt, 'reason', text, 'at', now)
  redis.call('PEXPIRE', KEYS[6], ARGV[4])
  -- A job that has never run has no copy in the volume that would say otherwise.
  if attempt > 1 then redis.call('SADD', KEYS[7], ARGV[1]) end
  tell_those_behind()
  return state
end
if stopped then
  attempt = attempt + 1
  redis.call('HDEL', KEYS[1], 'finished', 'reason')
  redis.call('HSET', KEYS[1], 'state', 'waiting', 'attempt', attempt)
  redis.call('PERSIST', KEYS[6])
  redis.call('XADD', KEYS[6], '*', 'type', 'waiting', 'attempt', attempt, 'at', now)
  tell_those_behind()
end
if open then return 'waiting' end
redis.call('HSET', KEYS[1], 'state', 'queued', 'queue', ARGV[3], 'queued', now, 'sent', now,
  'released', ARGV[2])
redis.call('ZADD', KEYS[4], now, ARGV[1])
redis.call('SADD', KEYS[5], ARGV[3])
redis.call('XADD', KEYS[6], '*', 'type', 'queued', 'attempt', attempt, 'at', now)
return 'released'
