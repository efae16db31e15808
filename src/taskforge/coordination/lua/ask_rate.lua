-- The generic cell rate algorithm (domain/rates.py) by this server's clock. KEYS: when the caller's bucket is empty again.
-- ARGV: what a request uses up and what may be used up at once, in microseconds. Answers 0, or how long
-- to wait, and when the bucket is empty again from now on.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local after = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0')) + tonumber(ARGV[1])
local wait = after - tonumber(ARGV[2]) - now
if wait > 0 then
  return {math.ceil(wait), after - tonumber(ARGV[1]) - now}
end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000) + 1)
return {0, after - now}
