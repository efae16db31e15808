-- KEYS: the ready jobs of a queue by rank, its scheduled ones by time, the types of both. ARGV: a channel and what
-- to tell there, what a worker is told before the id and the type of a job that it gets, then for each job: id, type, the moment at which it is due ('': none is given), a delay, by how much its priority brings it forward; all in microseconds.
-- Where no moment is given this server's clock counts, so that producers need not agree on the time.
-- Answers whether the only one was handed to a worker that waits: then it is where a pulled job would be, and nobody else need know.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local ready, scheduled, types = {}, {}, {}
for i = 4, #ARGV, 5 do
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
if #types == 2 and #ready == 2 and redis.call('ZCARD', KEYS[1]) == 1 and redis.call('ZSCORE', KEYS[1], '') then
  local idle = KEYS[1] .. ':idle'
  for _, worker in ipairs(redis.call('ZRANGEBYSCORE', idle, string.format('%.0f', now), '+inf', 'LIMIT', 0, 10)) do
    local inbox, known = string.match(worker, '^([^\n]*)(.*)$')
    if string.find(known .. '\n', '\n' .. types[2] .. '\n', 1, true) then
      redis.call('ZREM', idle, worker)
      if redis.call('PUBLISH', inbox, ARGV[3] .. types[1] .. ' ' .. types[2]) > 0 then
        return 1
      end
    end
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
return 0
