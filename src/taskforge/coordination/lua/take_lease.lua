-- KEYS: the lease, its last fencing number. ARGV: token, milliseconds. Answers the number, or nothing: it is held.
-- The number follows the server's clock, so that it grows also after everything was flushed.
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return false
end
local time = redis.call('TIME')
local fence = tonumber(time[1]) * 1000000 + tonumber(time[2])
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
if fence <= last then
  fence = last + 1
end
local text = string.format('%.0f', fence)
redis.call('SET', KEYS[2], text)
return text
