-- KEYS: three of each queue, as in offer_jobs, in the order in which queues are served. ARGV: how many jobs, how many may be
-- looked at in each queue, for how many microseconds a due job is left to whoever gets it, the channel on which the worker hears
-- ('': none), for how many microseconds it waits there, then the job types. One with room left waits: the next job may be handed to it.
-- Answers: now, the next time at which one is due (''), the numbers of queues that are not whole, due jobs (each the number of
-- its queue and its id), the ids of jobs in one string, whether it stopped looking. While a queue is not whole nothing is handed out.
local DUE, CHUNK = 100, 500
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local text = string.format('%.0f', now)
local later = string.format('%.0f', now + tonumber(ARGV[3]))
local wanted, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local broken, due, jobs, gave_up = {}, {}, {}, 0
for q = 1, #KEYS / 3 do
  local at = 3 * q - 2
  if not (redis.call('ZSCORE', KEYS[at], '') and redis.call('ZSCORE', KEYS[at + 1], '')
      and redis.call('HEXISTS', KEYS[at + 2], '') == 1) then
    broken[#broken + 1] = q
  end
end
if #broken > 0 then
  return {text, '', broken, due, '', gave_up}
end
local next_due = ''
for q = 1, #KEYS / 3 do
  local scheduled = KEYS[3 * q - 1]
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', scheduled, '(-inf', text, 'LIMIT', 0, DUE)) do
    redis.call('ZADD', scheduled, later, id)
    due[#due + 1] = q
    due[#due + 1] = id
  end
  local first = redis.call('ZRANGEBYSCORE', scheduled, '(-inf', '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if first[2] and (next_due == '' or tonumber(first[2]) < tonumber(next_due)) then
    next_due = string.format('%.0f', tonumber(first[2]))
  end
end
local known = {}
for i = 6, #ARGV do
  known[ARGV[i]] = true
end
for q = 1, #KEYS / 3 do
  local ready, types = KEYS[3 * q - 2], KEYS[3 * q]
  local passed = 0
  while wanted > 0 do
    local size = math.min(CHUNK, passed == 0 and wanted or wanted + 10)
    local ids = redis.call('ZRANGE', ready, 1 + passed, passed + size)
    if #ids == 0 then
      break
    end
    local taken, number, before = {}, 0, passed
    for i, job_type in ipairs(redis.call('HMGET', types, unpack(ids))) do
      if number == wanted then
        break
      elseif not job_type or known[job_type] then
        number = number + 1
        taken[number] = ids[i]
      else
        passed = passed + 1
      end
    end
    if number > 0 then
      if passed == before then -- they are the first ones of these
        redis.call('ZREMRANGEBYRANK', ready, 1 + before, before + number)
      else
        redis.call('ZREM', ready, unpack(taken))
      end
      redis.call('HDEL', types, unpack(taken))
      wanted = wanted - number
      jobs[#jobs + 1] = table.concat(taken)
    end
    if passed >= most then
      gave_up = 1
      break
    end
  end
end
if ARGV[4] ~= '' then
  local worker, milliseconds = table.concat(ARGV, '\n', 6), math.ceil(tonumber(ARGV[5]) / 1000)
  worker = ARGV[4] .. '\n' .. worker
  for q = 1, #KEYS / 3 do
    local idle = KEYS[3 * q - 2] .. ':idle'
    if wanted >= #KEYS / 3 then
      redis.call('ZADD', idle, string.format('%.0f', now + tonumber(ARGV[5])), worker)
      redis.call('PEXPIRE', idle, milliseconds)
    else
      redis.call('ZREM', idle, worker)
    end
  end
end
return {text, next_due, broken, due, table.concat(jobs), gave_up}
