-- KEYS: the ready jobs of a queue by rank, its scheduled ones by time, the types of both. ARGV: a channel and what
-- to tell there, then for each job: id, type, the moment at which it is due ('': none is given), a delay, by how much its priority brings it forward; all in microseconds.
-- Where no moment is given this server's clock counts, so that producers need not agree on the time.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local ready, scheduled, types = {}, {}, {}
for i = 3, #ARGV, 5 do
  local due = tonumber(ARGV[i + 2]) or (now + tonumber(ARGV[i + 3]))
  types[#types + 1] = ARGV[i]
  types[#types + 1] = ARGV[i + 1]
  if due > now then
    scheduled[#scheduled + 1] = string.format('%.0f', due)
    scheduled[#scheduled + 1] = ARGV[i]
  else
    ready[#ready + 1] = string.format('%.0f', due - tonumber(ARGV[i + 4]))
    ready[#ready + 1] = ARGV[i]
  end
end
redis.call('HSET', KEYS[3], unpack(types))
if #scheduled > 0 then
  redis.call('ZADD', KEYS[2], unpack(scheduled))
end
if #ready > 0 then
  redis.call('ZADD', KEYS[1], unpack(ready))
end
redis.call('PUBLISH', ARGV[1], ARGV[2])
