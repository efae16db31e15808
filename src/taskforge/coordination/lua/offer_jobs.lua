-- KEYS: the ready jobs of a queue by rank, its scheduled ones by time, the types of both. ARGV: a channel and what
-- to tell there, then for each job: id, type, the moment at which it is due ('': none is given), a delay, by how much its priority brings it forward; all in microseconds.
-- Where no moment is given this server's clock counts, so that producers need not agree on the time.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
for i = 3, #ARGV, 5 do
  local due = tonumber(ARGV[i + 2]) or (now + tonumber(ARGV[i + 3]))
  redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1])
  if due > now then
    redis.call('ZADD', KEYS[2], string.format('%.0f', due), ARGV[i])
  else
    redis.call('ZADD', KEYS[1], string.format('%.0f', due - tonumber(ARGV[i + 4])), ARGV[i])
  end
end
redis.call('PUBLISH', ARGV[1], ARGV[2])
