-- New jobs, all or none: their records, queued, or waiting for others. Refuses ids that are taken.
-- KEYS: jobs, queues, unsettled, then for each job: job, queued, by_name, events
-- ARGV: nonce, then for each job, as JSON: id, queue, fields, and behind, the keys of those who
--       come after each job that it waits for
local function key(at, which) return KEYS[3 + 4 * (at - 1) + which] end
local jobs = {}
for at = 1, #ARGV - 1 do
  jobs[at] = cjson.decode(ARGV[at + 1])
  if redis.call('EXISTS', key(at, 1)) == 1 then
    -- Our own jobs, asked for again because their answer was lost on the way.
    if redis.call('HGET', key(at, 1), 'nonce') == ARGV[1] then return 'created' end
    return 'taken'
  end
end
local time = redis.call('TIME')
local now = string.format('%d.%06d', time[1], time[2])
for at, job in ipairs(jobs) do
  local state = #job.behind > 0 and 'waiting' or 'queued'
  for field, value in pairs(job.fields) do redis.call('HSET', key(at, 1), field, value) end
  redis.call('HSET', key(at, 1), 'nonce', ARGV[1], 'queue', job.queue, 'state', state,
    'attempt', 1, 'losses', 0, 'created', now, 'queued', now, 'sent', now)
  redis.call('ZADD', KEYS[1], now, job.id)
  redis.call('ZADD', key(at, 3), now, job.id)
  redis.call('XADD', key(at, 4), '*', 'type', state, 'attempt', 1, 'at', now)
  if state == 'queued' then
    redis.call('ZADD', key(at, 2), now, job.id)
    redis.call('SADD', KEYS[2], job.queue)
  else
    for _, behind in ipairs(job.behind) do redis.call('SADD', behind, job.id) end
    redis.call('SADD', KEYS[3], job.id)
  end
end
return 'created'
