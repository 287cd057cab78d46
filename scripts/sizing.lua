-- Sizing: how large is a trade whose signal does not say so?
--
--     full size = the smaller of  equity x position_size_max_pct
--                            and  equity x risk_per_trade_pct / distance of the stop
--     size      = full size x share by confidence x the regime's multiplier
--
-- The share grows in a straight line from share_min at confidence_low to 1 at confidence_high. A
-- size that the signal brings is passed on as it is: risk judges it. Numbers: config.sizing and
-- config.risk. A signal without a stop is sized for the widest stop allowed; risk will refuse it.

local abs, min, max = math.abs, math.min, math.max

local function share_of(confidence, numbers)
    local low, high, least = numbers.confidence_low, numbers.confidence_high, numbers.share_min
    if confidence >= high then
        return 1
    elseif confidence <= low then
        return least
    end
    return least + (1 - least) * (confidence - low) / (high - low)
end

local function stop_distance_pct(case, stop)
    if case.stop_loss <= 0 or case.entry_price <= 0 then
        return stop.distance_max_pct
    end
    -- A very tight stop would allow a very large size; risk refuses stops tighter than this.
    return max(abs(case.entry_price - case.stop_loss) / case.entry_price * 100,
        stop.distance_min_pct)
end

local function judge(case, config)
    if case.size_usd then
        return { size_usd = max(case.size_usd, 0), reason = "size of the signal" }
    elseif case.position_size_pct then
        return { size_usd = max(case.equity * case.position_size_pct / 100, 0),
            reason = "share of equity of the signal" }
    elseif case.equity <= 0 or case.action ~= "BUY" and case.action ~= "SELL" then
        return { size_usd = 0, reason = "nothing to size" }
    end
    local limits, numbers = config.risk.limits, config.sizing
    local risk_pct = min(numbers.risk_per_trade_pct, limits.risk_per_trade_max_pct)
    local by_share = case.equity * limits.position_size_max_pct / 100
    local by_stop = case.equity * risk_pct / stop_distance_pct(case, config.risk.stop)
    local share = share_of(case.confidence, numbers)
    local multiplier = min(max(case.position_size_multiplier, 0), 1)
    return {
        size_usd = min(by_share, by_stop) * share * multiplier,
        reason = string.format("%s, x %.2f for confidence, x %.2f for regime %s",
            by_stop < by_share and "by the stop" or "by share of equity", share, multiplier,
            case.regime),
    }
end

local function selftest(test, config)
    local limits, numbers = config.risk.limits, config.sizing
    local tight = config.risk.stop.distance_min_pct
    local risk_pct = min(numbers.risk_per_trade_pct, limits.risk_per_trade_max_pct)
    local full = 10000 * min(limits.position_size_max_pct / 100, risk_pct / tight)
    local function case(changes)
        local result = {
            symbol = "AAA/USDT", action = "BUY", confidence = numbers.confidence_high,
            entry_price = 100, stop_loss = 100 - tight, equity = 10000,
            regime = "trending_bull", position_size_multiplier = 1,
        }
        for key, value in pairs(changes) do
            result[key] = value
        end
        return result
    end
    test("full confidence, full size", case {}, { size_usd = full })
    test("low confidence", case { confidence = 0 }, { size_usd = full * numbers.share_min })
    test("the regime's multiplier", case { position_size_multiplier = 0.5 },
        { size_usd = full / 2 })
    test("a multiplier never enlarges", case { position_size_multiplier = 9 }, { size_usd = full })
    test("the signal's own size", case { size_usd = 123 }, { size_usd = 123 })
    test("the signal's own share", case { position_size_pct = 7 }, { size_usd = 700 })
    test("no equity, no size", case { equity = 0 }, { size_usd = 0 })
end

return { name = "sizing", version = "1.0", judge = judge, selftest = selftest }
