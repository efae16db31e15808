-- KEYS: three of each queue, as in offer_jobs. Answers the numbers of queues that are not whole, and how many jobs are ready
-- in all of them.
local broken, jobs = {}, 0
for q = 1, #KEYS / 3 do
  local at = 3 * q - 2
  if redis.call('ZSCORE', KEYS[at], '') and redis.call('ZSCORE', KEYS[at + 1], '')
      and redis.call('HEXISTS', KEYS[at + 2], '') == 1 then
    jobs = jobs + redis.call('ZCARD', KEYS[at]) - 1
  else
    broken[#broken + 1] = q
  end
end
return {broken, jobs}
