-- Risk: may this trade be made, and how large may it be?
--
-- The rules below are asked one after the other. Each is a small function
--
--     rule(case, trade)
--
-- case    the proposal and the state of the account, read-only
-- trade   the proposal as reduced so far: trade.size_usd, trade.leverage; and the distance of its
--         stop in % of the entry price, trade.stop_distance_pct, nil without a stop
--
-- A rule that is content returns nothing. A rule that refuses returns a code and a sentence, and as
-- a third value "halted" where trading as a whole must stop. A rule may make the trade smaller with
-- reduce(); what it takes away, no later rule can give back, and neither can this file: the host
-- holds every verdict against the proposal and against its own hard limits.
--
-- To add a rule: write the function, put it into the lists at the end of the rules, and add a case
-- that it refuses to the self-tests. Nothing may be kept from one judgement to the next.

local correlation = require "correlation"

local floor, min, max, huge = math.floor, math.min, math.max, math.huge
local format = string.format

--------------------------------------------------------------------------------------------------
-- The numbers of config/risk.yaml. They are read once, because a change of the configuration loads
-- this file anew; a rule finds them as locals, which costs it next to nothing.
--------------------------------------------------------------------------------------------------

local limits, stop_of, confidence_of, size_of, leverage_of =
    config.risk.limits, config.risk.stop, config.risk.confidence, config.risk.size,
    config.risk.leverage
local correlations = config.risk.correlations

local POSITION_SIZE_MAX_PCT = limits.position_size_max_pct
local RISK_PER_TRADE_MAX_PCT = limits.risk_per_trade_max_pct
local LEVERAGE_MAX = limits.leverage_max
local EXPOSURE_MAX_PCT = limits.exposure_max_pct
local CORRELATED_MAX_PCT = limits.correlated_exposure_max_pct
local CORRELATED_WARNING_PCT = CORRELATED_MAX_PCT * limits.correlated_exposure_warning_pct / 100
local CORRELATION_MIN = limits.correlation_min
local MARGIN_UTILIZATION_MAX_PCT = limits.margin_utilization_max_pct
local POSITIONS_PER_SYMBOL_MAX = limits.positions_per_symbol_max
local POSITIONS_MAX = limits.positions_max
local PRICE_COLLAR_PCT = limits.price_collar_pct
local ORDERS_PER_MINUTE_MAX = limits.entry_orders_per_minute_max
local ORDERS_PER_DAY_MAX = limits.entry_orders_per_day_max
local ORDERS_HALT_FACTOR = limits.entry_orders_halt_factor
local DAILY_LOSS_MAX_PCT = limits.daily_loss_max_pct
local WEEKLY_LOSS_MAX_PCT = limits.weekly_loss_max_pct
local DRAWDOWN_MAX_PCT = limits.drawdown_max_pct

local STOP_MIN_PCT = stop_of.distance_min_pct
local STOP_MAX_PCT = stop_of.distance_max_pct
local STOP_SYMBOLS = stop_of.symbols -- nil where no symbol has a limit of its own
local REWARD_RISK_MIN = stop_of.reward_risk_min

local CONFIDENCE_OF_REGIME = {
    trending_bull = confidence_of.trending,
    trending_bear = confidence_of.trending,
    ranging = confidence_of.ranging,
    volatile_bull = confidence_of.volatile,
    volatile_bear = confidence_of.volatile,
    choppy = confidence_of.choppy,
    breakout_potential = confidence_of.breakout,
    unknown = confidence_of.unknown,
}
local CONFIDENCE_OF_STRICTNESS = {
    relaxed = confidence_of.relaxed,
    normal = confidence_of.normal,
    strict = confidence_of.strict,
    very_strict = confidence_of.very_strict,
}
local CONFIDENCE_3_LOSSES = confidence_of.add_after_3_losses
local CONFIDENCE_5_LOSSES = confidence_of.add_after_5_losses

local SIZE_LOSSES = size_of.losses_in_a_row
local SIZE_LOSSES_FACTOR = size_of.losses_factor
local SIZE_SPIKE_FACTOR = size_of.volatility_spike_factor

-- What is exactly at a limit is within it, whatever the rounding of the division before:
-- x > limit * ABOVE says that x is over it, x < limit * BELOW that x is under it.
local ABOVE, BELOW = 1 + 1e-9, 1 - 1e-9

local function note(trade, list, rule, before, after, limit)
    local notes = trade[list]
    if not notes then
        notes = {}
        trade[list] = notes
    end
    notes[#notes + 1] = { rule = rule, before = before, after = after, limit = limit }
end

-- Brings trade.size_usd or trade.leverage down to `value` where it is more, and says so.
local function reduce(trade, field, rule, value, limit)
    local before = trade[field]
    if before > value then
        trade[field] = value
        note(trade, "reductions", rule, before, value, limit)
    end
end

--------------------------------------------------------------------------------------------------
-- The rules
--------------------------------------------------------------------------------------------------

-- 0. The proposal makes sense. Written so that NaN, which compares false with everything, fails.
local function valid_proposal(case, trade)
    local buys, leverage, confidence = case.side == "buy", case.leverage, case.confidence
    local entry, stop, target = case.entry_price, case.stop_loss, case.take_profit
    if case.symbol == "" then
        return "INVALID_PROPOSAL", "the symbol is missing"
    elseif not buys and case.side ~= "sell" then
        return "INVALID_PROPOSAL", "the side must be buy or sell"
    elseif not (trade.size_usd > 0 and trade.size_usd < huge) then
        return "INVALID_PROPOSAL", "the size must be above zero and finite"
    elseif not (entry > 0 and entry < huge) then
        return "INVALID_PROPOSAL", "the entry price must be above zero and finite"
    elseif not (leverage >= 1 and leverage % 1 == 0) then
        return "INVALID_PROPOSAL", "the leverage must be a whole number of at least 1"
    elseif not (confidence >= 0 and confidence <= 1) then
        return "INVALID_PROPOSAL", "the confidence must be between 0 and 1"
    end
    if stop then
        local distance = buys and entry - stop or not buys and stop - entry
        if not (distance > 0 and stop > 0 and stop < huge) then
            return "INVALID_PROPOSAL",
                "the stop must be below the entry for a buy, above for a sell"
        end
        trade.stop_distance_pct = distance / entry * 100
    end
    if target then
        local reward = buys and target - entry or not buys and entry - target
        if not (reward > 0 and target > 0 and target < huge) then
            return "INVALID_PROPOSAL",
                "the take-profit must be above the entry for a buy, below for a sell"
        end
    end
end

-- 1. No breaker stands, and the state does not hit one.
local function circuit_breakers(case)
    if case.breaker_stands then
        return "TRADING_HALTED", "the breaker " .. case.breaker .. " stands", "halted"
    elseif case.equity <= 0 then
        return "TRADING_HALTED", "there is no equity", "halted"
    elseif case.daily_pnl_pct <= -DAILY_LOSS_MAX_PCT then
        return "CIRCUIT_BREAKER", format("the day's loss is %.2f %% (limit %g %%)",
            -case.daily_pnl_pct, DAILY_LOSS_MAX_PCT), "halted"
    elseif case.weekly_pnl_pct <= -WEEKLY_LOSS_MAX_PCT then
        return "CIRCUIT_BREAKER", format("the week's loss is %.2f %% (limit %g %%)",
            -case.weekly_pnl_pct, WEEKLY_LOSS_MAX_PCT), "halted"
    elseif case.drawdown_pct >= DRAWDOWN_MAX_PCT then
        return "CIRCUIT_BREAKER", format("the drawdown is %.2f %% (limit %g %%)",
            case.drawdown_pct, DRAWDOWN_MAX_PCT), "halted"
    end
end

-- 2. No cool-down runs. The host keeps their ends (risk.cooldown_minutes); the later end wins.
local function cooldowns(case)
    if case.in_cooldown then
        return "IN_COOLDOWN", format("cool-down %s for another %.0f s", case.cooldown,
            case.cooldown_seconds)
    end
end

-- 3. There is a stop, neither too tight nor too wide, and the reward is worth the risk.
local function stop_loss(case, trade)
    local distance = trade.stop_distance_pct
    if not distance then
        return "STOP_LOSS_REQUIRED", "an entry needs a stop-loss"
    end
    local own = STOP_SYMBOLS and STOP_SYMBOLS[case.symbol]
    local distance_max = own and own.distance_max_pct or STOP_MAX_PCT
    if distance < STOP_MIN_PCT * BELOW then
        return "STOP_TOO_TIGHT", format("the stop is %.3f %% away (at least %g %%)", distance,
            STOP_MIN_PCT)
    elseif distance > distance_max * ABOVE then
        return "STOP_TOO_WIDE", format("the stop is %.3f %% away (at most %g %%)", distance,
            distance_max)
    end
    local target, entry = case.take_profit, case.entry_price
    if target then
        local ratio = (target - entry) / (entry - case.stop_loss)
        if ratio < REWARD_RISK_MIN * BELOW then
            return "LOW_RR", format("reward to risk is %.2f (at least %g)", ratio, REWARD_RISK_MIN)
        end
    end
end

-- 4. The signal is confident enough for the regime, the recent losses and the strictness.
local function confidence(case)
    local losses = case.consecutive_losses
    local needed = CONFIDENCE_OF_REGIME[case.regime] + CONFIDENCE_OF_STRICTNESS[case.strictness]
    if losses >= 5 then
        needed = needed + CONFIDENCE_5_LOSSES
    elseif losses >= 3 then
        needed = needed + CONFIDENCE_3_LOSSES
    end
    if needed > 1 then
        needed = 1
    end
    if case.confidence < needed * BELOW then
        return "CONFIDENCE_TOO_LOW",
            format("confidence %.3f, needed %.2f (%s, %s, %d losses in a row)", case.confidence,
                needed, case.regime, case.strictness, losses)
    end
end

-- 5. The size: a share of equity, the loss at the stop, losses in a row, a volatility spike.
local function size(case, trade)
    local equity, distance = case.equity, trade.stop_distance_pct
    local largest = equity * POSITION_SIZE_MAX_PCT / 100
    if trade.size_usd > largest then
        reduce(trade, "size_usd", "POSITION_SIZE", largest, POSITION_SIZE_MAX_PCT)
    end
    if distance then
        largest = equity * RISK_PER_TRADE_MAX_PCT / distance
        if trade.size_usd > largest then
            reduce(trade, "size_usd", "RISK_PER_TRADE", largest, RISK_PER_TRADE_MAX_PCT)
        end
    end
    if case.consecutive_losses >= SIZE_LOSSES then
        reduce(trade, "size_usd", "LOSSES_SIZE", trade.size_usd * SIZE_LOSSES_FACTOR,
            SIZE_LOSSES_FACTOR)
    end
    if case.volatility_spike then
        reduce(trade, "size_usd", "VOLATILITY_SIZE", trade.size_usd * SIZE_SPIKE_FACTOR,
            SIZE_SPIKE_FACTOR)
    end
end

-- 6. The leverage: the highest of all, of the regime, of the drawdown, of losses in a row.
local function cap_leverage(trade, rule, limit)
    if trade.leverage > limit then
        reduce(trade, "leverage", rule, max(1, floor(limit)), limit)
    end
end

local function leverage(case, trade)
    if trade.leverage == 1 then
        return
    end
    local drawdown, losses = case.drawdown_pct, case.consecutive_losses
    cap_leverage(trade, "LEVERAGE_MAX", LEVERAGE_MAX)
    cap_leverage(trade, "LEVERAGE_REGIME", leverage_of[case.regime])
    if drawdown >= 15 then
        cap_leverage(trade, "LEVERAGE_DRAWDOWN", leverage_of.drawdown_15)
    elseif drawdown >= 10 then
        cap_leverage(trade, "LEVERAGE_DRAWDOWN", leverage_of.drawdown_10)
    elseif drawdown >= 5 then
        cap_leverage(trade, "LEVERAGE_DRAWDOWN", leverage_of.drawdown_5)
    end
    if losses >= 5 then
        cap_leverage(trade, "LEVERAGE_LOSSES", leverage_of.losses_5)
    elseif losses >= 3 then
        cap_leverage(trade, "LEVERAGE_LOSSES", leverage_of.losses_3)
    end
end

-- 6, of a rebalancing trade: no leverage.
local function leverage_of_rebalance(_, trade)
    cap_leverage(trade, "LEVERAGE_REBALANCE", 1)
end

-- 7. All that is open, and this trade, with leverage.
local function exposure(case, trade)
    local total = case.exposure_pct + trade.size_usd * trade.leverage / case.equity * 100
    if total > EXPOSURE_MAX_PCT * ABOVE then
        return "EXPOSURE_LIMIT", format("exposure would be %.2f %% of equity (at most %g %%)",
            total, EXPOSURE_MAX_PCT)
    end
end

-- 8. What is open on symbols that move alike, weighted by how alike, and this trade.
local function correlated_exposure(case, trade)
    local symbol, open = case.symbol, case.positions
    local before = 0
    for i = 1, #open do
        local position = open[i]
        if not position.decision then
            local alike = correlation.between(correlations, symbol, position.symbol)
            if alike > CORRELATION_MIN then
                before = before + position.exposure_pct * alike
            end
        end
    end
    local total = before + trade.size_usd / case.equity * 100
    if total > CORRELATED_MAX_PCT * ABOVE then
        return "CORRELATED_EXPOSURE",
            format("correlated exposure would be %.2f %% of equity (at most %g %%)", total,
                CORRELATED_MAX_PCT)
    elseif total >= CORRELATED_WARNING_PCT * BELOW then
        note(trade, "warnings", "CORRELATED_EXPOSURE", before, total, CORRELATED_WARNING_PCT)
    end
end

-- 9. The margin is there, and enough of it stays free.
local function margin(case, trade)
    local equity, available = case.equity, case.margin_available
    local needed = trade.size_usd / trade.leverage
    if needed > available * ABOVE then
        return "INSUFFICIENT_MARGIN", format("needs a margin of %.2f, %.2f is available", needed,
            available)
    end
    local used_pct = (equity - available + needed) / equity * 100
    if used_pct > MARGIN_UTILIZATION_MAX_PCT * ABOVE then
        return "MARGIN_UTILIZATION",
            format("margin in use would be %.2f %% of equity (at most %g %%)", used_pct,
                MARGIN_UTILIZATION_MAX_PCT)
    end
end

-- 10. Not too many positions.
local function positions(case)
    if case.positions_of_symbol >= POSITIONS_PER_SYMBOL_MAX then
        return "POSITION_LIMIT", format("%d positions on %s are open (at most %d)",
            case.positions_of_symbol, case.symbol, floor(POSITIONS_PER_SYMBOL_MAX))
    elseif case.positions_open >= POSITIONS_MAX then
        return "POSITION_LIMIT", format("%d positions are open (at most %d)", case.positions_open,
            floor(POSITIONS_MAX))
    end
end

-- 11. The entry price is near the market.
local function price_collar(case)
    local last = case.last_price
    if last <= 0 then
        return "PRICE_COLLAR", "there is no last price to hold the entry price against"
    end
    local distance = (case.entry_price - last) / last * 100
    if distance > PRICE_COLLAR_PCT * ABOVE or distance < -PRICE_COLLAR_PCT * ABOVE then
        return "PRICE_COLLAR",
            format("the entry price is %+.3f %% off the last price (at most %g %%)", distance,
                PRICE_COLLAR_PCT)
    end
end

-- 12. Not too many entry orders; far too many means that something runs wild.
local function order_rate(case)
    local minute, day = case.entry_orders_minute, case.entry_orders_day
    if minute < ORDERS_PER_MINUTE_MAX and day < ORDERS_PER_DAY_MAX then
        return
    end
    local runs_wild = minute >= ORDERS_PER_MINUTE_MAX * ORDERS_HALT_FACTOR
        or day >= ORDERS_PER_DAY_MAX * ORDERS_HALT_FACTOR
    return "ORDER_RATE", format("%d entry orders in a minute, %d today (at most %d and %d)",
        minute, day, floor(ORDERS_PER_MINUTE_MAX), floor(ORDERS_PER_DAY_MAX)),
        runs_wild and "halted" or nil
end

-- 13. What is left is an order that the venue takes.
local function minimum(case, trade)
    if trade.size_usd <= 0 or trade.size_usd < case.size_min * BELOW then
        return "BELOW_MINIMUM", format("the size is %.2f (at least %.2f)", trade.size_usd,
            case.size_min)
    end
end

local ENTRY = {
    valid_proposal, circuit_breakers, cooldowns, stop_loss, confidence, size, leverage, exposure,
    correlated_exposure, margin, positions, price_collar, order_rate, minimum,
}
-- Rebalancing has no stop and no confidence, and no leverage.
local REBALANCE = {
    valid_proposal, circuit_breakers, cooldowns, size, leverage_of_rebalance, exposure,
    correlated_exposure, margin, positions, price_collar, order_rate, minimum,
}
-- Closing or reducing a position makes the account safer: it is not held back, and not shrunk.
local EXIT = { valid_proposal, price_collar, minimum }

--------------------------------------------------------------------------------------------------
-- The judgement
--------------------------------------------------------------------------------------------------

-- Two tables that every judgement fills anew, so that judging leaves no garbage behind.
local trade, verdict = {}, {}

local function refusal(code, reason, status)
    verdict.status, verdict.code, verdict.reason = status or "rejected", code, reason
    verdict.size_usd, verdict.leverage = nil, nil
    verdict.reductions, verdict.warnings = trade.reductions, trade.warnings
    return verdict
end

local function judge(case)
    local rules = case.reduces and EXIT or case.profile == "rebalance" and REBALANCE or ENTRY
    trade.size_usd, trade.leverage = case.size_usd, case.leverage
    trade.reductions, trade.warnings, trade.stop_distance_pct = nil, nil, nil
    for i = 1, #rules do
        local code, reason, status = rules[i](case, trade)
        if code then
            return refusal(code, reason, status)
        end
    end
    verdict.status = trade.reductions and "modified" or "approved"
    verdict.code, verdict.reason = nil, nil
    verdict.size_usd, verdict.leverage = trade.size_usd, trade.leverage
    verdict.reductions, verdict.warnings = trade.reductions, trade.warnings
    return verdict
end

--------------------------------------------------------------------------------------------------
-- Self-tests: run whenever this file is loaded; one that fails keeps the file from being used.
-- They take their numbers from the configuration, so that a change of a limit does not break them.
--------------------------------------------------------------------------------------------------

local function selftest(test)
    local equity = 10000
    local distance = max(STOP_MIN_PCT, min(1, STOP_MAX_PCT)) / 100

    -- A trade that every rule likes, with some fields changed; "none" takes one away.
    local function sound(changes)
        local case = {
            symbol = "AAA/USDT", side = "buy", profile = "normal",
            size_usd = equity * min(limits.position_size_max_pct, limits.exposure_max_pct,
                limits.risk_per_trade_max_pct, limits.margin_utilization_max_pct,
                limits.correlated_exposure_max_pct / 2) / 1000,
            entry_price = 100, stop_loss = 100 * (1 - distance),
            take_profit = 100 * (1 + 2 * distance * REWARD_RISK_MIN),
            leverage = 1, confidence = 1, regime = "trending_bull", strictness = "normal",
            last_price = 100, equity = equity, margin_available = equity, size_min = 0,
        }
        for key, value in pairs(changes or {}) do
            if value == "none" then
                case[key] = nil
            else
                case[key] = value
            end
        end
        return case
    end
    local function refused(name, changes, code, status)
        test(name, sound(changes), { status = status or "rejected", code = code, size_usd = 0 })
    end

    test("a sound trade is approved", sound(), { status = "approved", leverage = 1, code = "" })
    test("so is its mirror image", sound {
        side = "sell", stop_loss = 100 * (1 + distance),
        take_profit = 100 * (1 - 2 * distance * REWARD_RISK_MIN),
    }, { status = "approved" })

    refused("an unknown side", { side = "long" }, "INVALID_PROPOSAL")
    refused("a size that is no number", { size_usd = 0 / 0 }, "INVALID_PROPOSAL")
    refused("half a leverage", { leverage = 1.5 }, "INVALID_PROPOSAL")
    refused("a stop on the wrong side", { stop_loss = 101 }, "INVALID_PROPOSAL")
    refused("a take-profit on the wrong side", { take_profit = 99 }, "INVALID_PROPOSAL")
    refused("a breaker that stands", { breaker_stands = true, breaker = "daily_loss" },
        "TRADING_HALTED", "halted")
    refused("the day's loss at its limit", { daily_pnl_pct = -limits.daily_loss_max_pct },
        "CIRCUIT_BREAKER", "halted")
    refused("the week's loss at its limit", { weekly_pnl_pct = -limits.weekly_loss_max_pct },
        "CIRCUIT_BREAKER", "halted")
    refused("the drawdown at its limit", { drawdown_pct = limits.drawdown_max_pct },
        "CIRCUIT_BREAKER", "halted")
    refused("a cool-down", { in_cooldown = true, cooldown = "post_loss", cooldown_seconds = 60 },
        "IN_COOLDOWN")
    refused("no stop", { stop_loss = "none" }, "STOP_LOSS_REQUIRED")
    if STOP_MIN_PCT > 0 then
        refused("a stop too tight", { stop_loss = 100 - STOP_MIN_PCT * 0.99 },
            "STOP_TOO_TIGHT")
    end
    refused("a stop too wide", { stop_loss = 100 - STOP_MAX_PCT * 1.01 }, "STOP_TOO_WIDE")
    if REWARD_RISK_MIN > 0 then
        refused("little reward",
            { take_profit = 100 * (1 + 0.99 * distance * REWARD_RISK_MIN) }, "LOW_RR")
    end
    refused("no confidence", { confidence = 0, strictness = "very_strict", regime = "choppy" },
        "CONFIDENCE_TOO_LOW")
    if SIZE_SPIKE_FACTOR < 1 then
        test("the size while volatility spikes", sound { volatility_spike = true }, {
            status = "modified", size_usd = sound().size_usd * SIZE_SPIKE_FACTOR,
        })
    end
    test("too much leverage is brought down", sound { leverage = 100, exposure_pct = -1e6 },
        { status = "modified", leverage = min(limits.leverage_max, leverage_of.trending_bull) })
    refused("too much exposure", { exposure_pct = limits.exposure_max_pct }, "EXPOSURE_LIMIT")
    refused("too much correlated exposure", { positions = {
        { symbol = "AAA/USDT", side = "buy", exposure_pct = limits.correlated_exposure_max_pct },
    } }, "CORRELATED_EXPOSURE")
    refused("no margin", { margin_available = 0 }, "INSUFFICIENT_MARGIN")
    refused("too much margin in use", {
        margin_available = equity * (1 - limits.margin_utilization_max_pct / 100),
    }, "MARGIN_UTILIZATION")
    refused("too many positions", { positions_open = limits.positions_max }, "POSITION_LIMIT")
    refused("too many positions on the symbol",
        { positions_of_symbol = limits.positions_per_symbol_max }, "POSITION_LIMIT")
    refused("a price far from the market", {
        last_price = 100 / (1 + limits.price_collar_pct * 1.01 / 100),
    }, "PRICE_COLLAR")
    refused("too many orders", { entry_orders_minute = limits.entry_orders_per_minute_max },
        "ORDER_RATE")
    refused("orders running wild", {
        entry_orders_day = limits.entry_orders_per_day_max * limits.entry_orders_halt_factor,
    }, "ORDER_RATE", "halted")
    refused("a size below the venue's minimum", { size_min = equity * 1000 }, "BELOW_MINIMUM")

    test("closing is not held back", sound {
        reduces = true, breaker_stands = true, in_cooldown = true, stop_loss = "none",
        take_profit = "none", confidence = 0, exposure_pct = 1000, positions_open = 1000,
    }, { status = "approved" })
    test("rebalancing needs no stop and no confidence", sound {
        profile = "rebalance", stop_loss = "none", take_profit = "none", confidence = 0,
    }, { status = "approved" })
end

return { name = "risk", version = "1.0", judge = judge, selftest = selftest }
