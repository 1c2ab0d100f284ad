-- Replaces what an exchange reserved by what it used, and gives its places back.
--
-- KEYS[1]    a mark that this exchange is settled: a call that is made twice counts once.
-- KEYS[i+1]  the account of claim i.
-- ARGV       the name of the exchange, then for each claim three values: "rate" or "concurrent", the units used beyond
--            the reservation (negative: not used), the time in which one unit comes back (µs).
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

if not redis.call('SET', KEYS[1], '1', 'NX', 'PX', 60000) then
    return 0
end
for i = 2, #KEYS do
    local key, kind, units, period = KEYS[i], ARGV[3 * i - 4], tonumber(ARGV[3 * i - 3]), tonumber(ARGV[3 * i - 2])
    if kind == 'concurrent' then
        redis.call('ZREM', key, ARGV[1])
    elseif units ~= 0 then
        local full_at = tonumber(redis.call('GET', key) or 0)
        -- A debt counts from now, however long ago the reservation was made.
        if units > 0 then
            full_at = math.max(full_at, now)
        end
        full_at = full_at + units * period
        if full_at > now then
            redis.call('SET', key, string.format('%.1f', full_at), 'PX', math.ceil((full_at - now) / 1000) + 1)
        else
            redis.call('DEL', key)
        end
    end
end
return 0
