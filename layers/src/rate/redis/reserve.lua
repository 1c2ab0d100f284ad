-- Reserves under several rules at once, or under none of them.
--
-- KEYS[i]  the account of claim i.
-- ARGV     a name for this exchange, how long its place is kept without renewal (µs), then for each claim four values:
--          "rate" or "concurrent", the amount, the time in which one unit comes back (µs), the limit.
-- Answers  {0, remaining, µs until full, ...} or {i, µs to wait}; -1 µs where nobody knows.
--
-- An account of a rate holds the time at which it is full again. Time is the server's, so all processes agree.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local exchange, lease = ARGV[1], tonumber(ARGV[2])
local answer, full_again = {0}, {}

for i, key in ipairs(KEYS) do
    local kind, amount, period, limit =
        ARGV[4 * i - 1], tonumber(ARGV[4 * i]), tonumber(ARGV[4 * i + 1]), tonumber(ARGV[4 * i + 2])
    if kind == 'rate' then
        local full_at = math.max(tonumber(redis.call('GET', key) or 0), now)
        local next = full_at + math.min(amount, limit) * period
        local wait = next - now - limit * period
        -- Half a microsecond is what adding up fractions may cost.
        if wait > 0.5 then
            return {i, math.ceil(wait)}
        end
        full_again[i] = next
        table.insert(answer, math.floor(limit - (next - now) / period + 0.001))
        table.insert(answer, math.ceil(next - now))
    else
        redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
        local open = redis.call('ZCARD', key)
        if open >= limit then
            return {i, -1}
        end
        table.insert(answer, limit - open - 1)
        table.insert(answer, 0)
    end
end

for i, key in ipairs(KEYS) do
    if full_again[i] then
        redis.call('SET', key, string.format('%.1f', full_again[i]), 'PX', math.ceil((full_again[i] - now) / 1000) + 1)
    else
        redis.call('ZADD', key, now + lease, exchange)
        redis.call('PEXPIRE', key, math.ceil(lease / 1000) + 1)
    end
end
return answer
