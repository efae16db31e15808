-- KEYS: as in offer_jobs. ARGV: '1' if all of the queue's jobs are here now, then for each job: id, type, and 'ready' with
-- its rank, 'scheduled' with its time, or 'gone'.
-- That a queue is whole is said by a member in each of the three, so that none of them can be lost unnoticed.
local ready, not_ready, scheduled, not_scheduled, types, gone = {}, {}, {}, {}, {}, {}
for i = 2, #ARGV, 4 do
  local id, kind, number = ARGV[i], ARGV[i + 2], ARGV[i + 3]
  if kind == 'ready' then
    ready[#ready + 1] = number
    ready[#ready + 1] = id
  else
    not_ready[#not_ready + 1] = id
  end
  if kind == 'scheduled' then
    scheduled[#scheduled + 1] = number
    scheduled[#scheduled + 1] = id
  else
    not_scheduled[#not_scheduled + 1] = id
  end
  if kind == 'gone' then
    gone[#gone + 1] = id
  else
    types[#types + 1] = id
    types[#types + 1] = ARGV[i + 1]
  end
end
local function call(command, key, values)
  if #values > 0 then
    redis.call(command, key, unpack(values))
  end
end
call('HSET', KEYS[3], types)
call('HDEL', KEYS[3], gone)
call('ZADD', KEYS[1], ready)
call('ZREM', KEYS[1], not_ready)
call('ZADD', KEYS[2], scheduled)
call('ZREM', KEYS[2], not_scheduled)
if ARGV[1] == '1' then
  redis.call('ZADD', KEYS[1], '-inf', '')
  redis.call('ZADD', KEYS[2], '-inf', '')
  redis.call('HSET', KEYS[3], '', '')
end
