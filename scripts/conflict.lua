-- Conflicts: does something speak against acting on the signal now?
--
-- Several conflicts may hold at once. Each has an answer for the case that no model can be asked;
-- the most cautious of them is the verdict: abort before wait before proceed. Closing a position
-- conflicts with nothing. Numbers: config.conflict; correlations: config.risk.correlations.

local correlation = require "correlation"

local SIDE = { BUY = "buy", SELL = "sell" }
local DIRECTION = {
    long = 1, short = -1,
    very_bullish = 1, bullish = 1, bearish = -1, very_bearish = -1,
}
local CAUTION = { proceed = 0, wait = 1, abort = 2 }

-- Technical analysis and sentiment point opposite ways, and neither is clearly the surer one.
local function ta_sentiment_conflict(case, numbers)
    local ta, sentiment = DIRECTION[case.ta_bias or ""], DIRECTION[case.sentiment or ""]
    if ta and sentiment and ta ~= sentiment then
        local difference = math.abs(case.ta_confidence - case.sentiment_confidence)
        if difference < numbers.confidence_difference - 1e-9 then
            return "wait", "TA is " .. case.ta_bias .. ", sentiment " .. case.sentiment
        end
    end
end

-- A market without direction is no place to open a position.
local function regime_conflict(case)
    if case.regime == "choppy" then
        return "abort", "the regime is choppy"
    end
end

-- The reason for the open position is gone: it is not added to.
local function regime_change(case)
    if not case.regime then
        return
    end
    for _, position in ipairs(case.positions) do
        if position.same_symbol and not position.decision and position.side == SIDE[case.action]
            and position.regime_at_open ~= case.regime then
            return "abort",
                "the regime was " .. position.regime_at_open .. " and is " .. case.regime
        end
    end
end

-- Two symbols that move alike, one bought and one sold, cost fees and hedge each other.
local function cross_symbol_conflict(case, numbers, config)
    for _, other in ipairs(case.positions) do
        local alike = correlation.between(config.risk.correlations, case.symbol, other.symbol)
        if alike >= numbers.correlation_min and other.side ~= SIDE[case.action] then
            return "wait", string.format("%s is %s, correlation %.2f", other.symbol,
                other.side == "buy" and "long" or "short", alike)
        end
    end
end

-- Little is left of what was proposed.
local function risk_override(case, numbers)
    local reduction_pct = case.size_before > 0
        and (1 - case.size_after / case.size_before) * 100 or 0
    local steps = case.leverage_before - case.leverage_after
    if reduction_pct > numbers.size_reduction_max_pct + 1e-9 then
        return "abort", string.format("risk took %.1f %% of the size", reduction_pct)
    elseif steps >= numbers.leverage_steps then
        return "abort", string.format("risk took the leverage from %d to %d", case.leverage_before,
            case.leverage_after)
    end
end

local BEFORE_RISK = {
    { "ta_sentiment_conflict", ta_sentiment_conflict },
    { "regime_conflict", regime_conflict },
    { "regime_change", regime_change },
    { "cross_symbol_conflict", cross_symbol_conflict },
}
local AFTER_RISK = {
    { "risk_override", risk_override },
}

local function judge(case, config)
    local found, reasons, resolution = {}, {}, "proceed"
    if SIDE[case.action] then
        for _, conflict in ipairs(case.after_risk and AFTER_RISK or BEFORE_RISK) do
            local answer, reason = conflict[2](case, config.conflict, config)
            if answer then
                found[#found + 1] = conflict[1]
                reasons[#reasons + 1] = reason
                if CAUTION[answer] > CAUTION[resolution] then
                    resolution = answer
                end
            end
        end
    end
    return { conflicts = found, resolution = resolution, reason = table.concat(reasons, "; ") }
end

local function selftest(test, config)
    local numbers = config.conflict
    local function case(changes)
        local result = {
            symbol = "AAA/USDT", action = "BUY", confidence = 0.7, ta_bias = "long",
            ta_confidence = 0.7, sentiment = "bullish", sentiment_confidence = 0.7,
            regime = "trending_bull",
        }
        for key, value in pairs(changes) do
            result[key] = value
        end
        return result
    end
    test("agreement", case {}, { conflicts = {}, resolution = "proceed" })
    test("TA against sentiment", case { sentiment = "bearish" },
        { conflicts = { "ta_sentiment_conflict" }, resolution = "wait" })
    test("TA far surer than sentiment",
        case { sentiment = "bearish", sentiment_confidence = 0.7 - numbers.confidence_difference },
        { conflicts = {}, resolution = "proceed" })
    test("a choppy market", case { regime = "choppy" },
        { conflicts = { "regime_conflict" }, resolution = "abort" })
    local open = {
        symbol = "AAA/USDT", side = "buy", same_symbol = true, regime_at_open = "ranging",
    }
    test("adding after the regime changed", case { positions = { open } },
        { conflicts = { "regime_change" }, resolution = "abort" })
    open.side = "sell"
    test("an opposite position", case { positions = { open } },
        { conflicts = { "cross_symbol_conflict" }, resolution = "wait" })
    test("two at once, the more cautious answer",
        case { sentiment = "bearish", regime = "choppy" },
        { conflicts = { "ta_sentiment_conflict", "regime_conflict" }, resolution = "abort" })
    test("risk took nearly all", case {
        after_risk = true, size_before = 1000, size_after = 1, leverage_before = 1,
        leverage_after = 1,
    }, { conflicts = { "risk_override" }, resolution = "abort" })
    test("closing conflicts with nothing",
        case { action = "CLOSE_LONG", regime = "choppy", sentiment = "bearish" },
        { conflicts = {}, resolution = "proceed" })
end

return { name = "conflict", version = "1.0", judge = judge, selftest = selftest }
