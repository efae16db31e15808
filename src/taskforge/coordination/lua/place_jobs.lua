-- KEYS: as in offer_jobs. ARGV: '1' if all of the queue's jobs are here now, then for each job: id, type, and 'ready' with
-- its rank, 'scheduled' with its time, or 'gone'.
-- That a queue is whole is said by a member in each of the three, so that none of them can be lost unnoticed.
for i = 2, #ARGV, 4 do
  local id, kind, number = ARGV[i], ARGV[i + 2], ARGV[i + 3]
  if kind == 'ready' then
    redis.call('HSET', KEYS[3], id, ARGV[i + 1])
    redis.call('ZADD', KEYS[1], number, id)
    redis.call('ZREM', KEYS[2], id)
  elseif kind == 'scheduled' then
    redis.call('HSET', KEYS[3], id, ARGV[i + 1])
    redis.call('ZADD', KEYS[2], number, id)
    redis.call('ZREM', KEYS[1], id)
  else
    redis.call('ZREM', KEYS[1], id)
    redis.call('ZREM', KEYS[2], id)
    redis.call('HDEL', KEYS[3], id)
  end
end
if ARGV[1] == '1' then
  redis.call('ZADD', KEYS[1], '-inf', '')
  redis.call('ZADD', KEYS[2], '-inf', '')
  redis.call('HSET', KEYS[3], '', '')
end
