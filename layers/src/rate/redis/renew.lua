-- Keeps the places of exchanges that are still open.
--
-- KEYS     accounts of concurrency rules.
-- ARGV     how long places are kept from now (µs), then for each key the name of its exchange.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local lease = tonumber(ARGV[1])

for i, key in ipairs(KEYS) do
    redis.call('ZADD', key, 'XX', now + lease, ARGV[i + 1])
    redis.call('PEXPIRE', key, math.ceil(lease / 1000) + 1)
end
return 0
