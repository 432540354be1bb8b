-- running(n, token) -> queued(n + 1), because its worker is lost or gives the job back.
-- A job that was to be cancelled is cancelled; one that lost too many workers, or met too many
-- faults, has failed. It comes to the front of its queue; after repeated trouble, not at once.
-- KEYS: job, running, front, delayed, events, unkept, queues, unsettled, behind, and a lease:
--       nothing changes while it is held
-- ARGV: id, attempt, token, reason (JSON), counts as ('lost', 'fault' or ''), loss_limit,
--       fault_limit, keep_events_ms, giver, queue
local job = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'token', 'losses', 'faults', 'cancel',
  'started', 'ran', 'given_back', 'due')
local following = tonumber(ARGV[2]) + 1
local change = ARGV[9] .. ':' .. ARGV[3] .. ':' .. ARGV[2]
-- Our own change, asked for again because its answer was lost on the way.
if job[9] == change and job[1] == 'queued' and tonumber(job[2]) == following then
  return job[10] and 'delayed' or 'queued'
end
if job[9] == change and job[2] == ARGV[2] then return job[1] end
if job[1] ~= 'running' or job[2] ~= ARGV[2] or job[3] ~= ARGV[3] then return 'stale' end
if KEYS[10] and redis.call('GET', KEYS[10]) == ARGV[3] then return 'alive' end
local time = redis.call('TIME')
local now = string.format('%d.%06d', time[1], time[2])
local losses = tonumber(job[4]) + (ARGV[5] == 'lost' and 1 or 0)
local faults = tonumber(job[5] or '0') + (ARGV[5] == 'fault' and 1 or 0)
local ran = string.format('%.3f', tonumber(job[8] or '0') + tonumber(now) - tonumber(job[7]))
redis.call('HDEL', KEYS[1], 'token', 'lease')
redis.call('HSET', KEYS[1], 'losses', losses, 'faults', faults, 'ran', ran, 'given_back', change)
redis.call('ZREM', KEYS[2], ARGV[1])
local state = 'queued'
if job[6] == '1' then
  state = 'cancelled'
elseif losses >= tonumber(ARGV[6]) or faults >= tonumber(ARGV[7]) then
  state = 'failed'
  redis.call('HSET', KEYS[1], 'reason', ARGV[4])
end
redis.call('HSET', KEYS[1], 'state', state)
redis.call('XADD', KEYS[5], '*', 'type', state == 'queued' and 'requeued' or state,
  'attempt', ARGV[2], 'reason', ARGV[4], 'at', now)
if state ~= 'queued' then
  redis.call('HSET', KEYS[1], 'finished', now)
  redis.call('PEXPIRE', KEYS[5], ARGV[8])
  redis.call('SADD', KEYS[6], ARGV[1])
  redis.call('SUNIONSTORE', KEYS[8], KEYS[8], KEYS[9])
  return state
end
redis.call('HDEL', KEYS[1], 'started', 'worker', 'device_name')
redis.call('HSET', KEYS[1], 'attempt', following, 'sent', now)
local delay = 0
if ARGV[5] == 'fault' then delay = math.min(60, 2 ^ faults) end
if ARGV[5] == 'lost' and losses > 1 then delay = math.min(60, 2 ^ losses) end
if delay == 0 then
  redis.call('ZADD', KEYS[3], now, ARGV[1])
  redis.call('SADD', KEYS[7], ARGV[10])
  return 'queued'
end
local due = string.format('%.6f', tonumber(now) + delay)
redis.call('HSET', KEYS[1], 'due', due)
redis.call('ZADD', KEYS[4], due, ARGV[1])
return 'delayed'
