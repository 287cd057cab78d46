-- Risk: may this trade be made, and how large may it be?
--
-- The rules below are asked one after the other. Each is a small function
--
--     rule(case, risk, trade)
--
-- case    the proposal and the state of the account, read-only
-- risk    the numbers of config/risk.yaml, read-only
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
local function valid_proposal(case, _, trade)
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
local function circuit_breakers(case, risk)
    local limits = risk.limits
    if case.breaker_stands then
        return "TRADING_HALTED", "the breaker " .. case.breaker .. " stands", "halted"
    elseif case.equity <= 0 then
        return "TRADING_HALTED", "there is no equity", "halted"
    elseif case.daily_pnl_pct <= -limits.daily_loss_max_pct then
        return "CIRCUIT_BREAKER", format("the day's loss is %.2f %% (limit %g %%)",
            -case.daily_pnl_pct, limits.daily_loss_max_pct), "halted"
    elseif case.weekly_pnl_pct <= -limits.weekly_loss_max_pct then
        return "CIRCUIT_BREAKER", format("the week's loss is %.2f %% (limit %g %%)",
            -case.weekly_pnl_pct, limits.weekly_loss_max_pct), "halted"
    elseif case.drawdown_pct >= limits.drawdown_max_pct then
        return "CIRCUIT_BREAKER", format("the drawdown is %.2f %% (limit %g %%)",
            case.drawdown_pct, limits.drawdown_max_pct), "halted"
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
local function stop_loss(case, risk, trade)
    local entry, price = case.entry_price, case.stop_loss
    if not price then
        return "STOP_LOSS_REQUIRED", "an entry needs a stop-loss"
    end
    local stop = risk.stop
    local own = stop.symbols and stop.symbols[case.symbol]
    local distance_max = own and own.distance_max_pct or stop.distance_max_pct
    local distance = trade.stop_distance_pct
    if distance < stop.distance_min_pct * BELOW then
        return "STOP_TOO_TIGHT", format("the stop is %.3f %% away (at least %g %%)", distance,
            stop.distance_min_pct)
    elseif distance > distance_max * ABOVE then
        return "STOP_TOO_WIDE", format("the stop is %.3f %% away (at most %g %%)", distance,
            distance_max)
    end
    local target = case.take_profit
    if target then
        local ratio = (target - entry) / (entry - price)
        if ratio < stop.reward_risk_min * BELOW then
            return "LOW_RR", format("reward to risk is %.2f (at least %g)", ratio,
                stop.reward_risk_min)
        end
    end
end

-- 4. The signal is confident enough for the regime, the recent losses and the strictness.
local CONFIDENCE_OF_REGIME = {
    trending_bull = "trending",
    trending_bear = "trending",
    ranging = "ranging",
    volatile_bull = "volatile",
    volatile_bear = "volatile",
    choppy = "choppy",
    breakout_potential = "breakout",
    unknown = "unknown",
}

local function confidence(case, risk)
    local numbers, losses = risk.confidence, case.consecutive_losses
    local needed = numbers[CONFIDENCE_OF_REGIME[case.regime]] + numbers[case.strictness]
    if losses >= 5 then
        needed = needed + numbers.add_after_5_losses
    elseif losses >= 3 then
        needed = needed + numbers.add_after_3_losses
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
local function size(case, risk, trade)
    local limits, factors = risk.limits, risk.size
    local equity, distance = case.equity, trade.stop_distance_pct
    local largest = equity * limits.position_size_max_pct / 100
    if trade.size_usd > largest then
        reduce(trade, "size_usd", "POSITION_SIZE", largest, limits.position_size_max_pct)
    end
    if distance then
        largest = equity * limits.risk_per_trade_max_pct / distance
        if trade.size_usd > largest then
            reduce(trade, "size_usd", "RISK_PER_TRADE", largest, limits.risk_per_trade_max_pct)
        end
    end
    if case.consecutive_losses >= factors.losses_in_a_row then
        reduce(trade, "size_usd", "LOSSES_SIZE", trade.size_usd * factors.losses_factor,
            factors.losses_factor)
    end
    if case.volatility_spike then
        reduce(trade, "size_usd", "VOLATILITY_SIZE",
            trade.size_usd * factors.volatility_spike_factor, factors.volatility_spike_factor)
    end
end

-- 6. The leverage: the highest of all, of the regime, of the drawdown, of losses in a row.
local function cap_leverage(trade, rule, limit)
    if trade.leverage > limit then
        reduce(trade, "leverage", rule, max(1, floor(limit)), limit)
    end
end

local function leverage(case, risk, trade)
    if trade.leverage == 1 then
        return
    end
    local caps, drawdown, losses = risk.leverage, case.drawdown_pct, case.consecutive_losses
    cap_leverage(trade, "LEVERAGE_MAX", risk.limits.leverage_max)
    cap_leverage(trade, "LEVERAGE_REGIME", caps[case.regime])
    if drawdown >= 15 then
        cap_leverage(trade, "LEVERAGE_DRAWDOWN", caps.drawdown_15)
    elseif drawdown >= 10 then
        cap_leverage(trade, "LEVERAGE_DRAWDOWN", caps.drawdown_10)
    elseif drawdown >= 5 then
        cap_leverage(trade, "LEVERAGE_DRAWDOWN", caps.drawdown_5)
    end
    if losses >= 5 then
        cap_leverage(trade, "LEVERAGE_LOSSES", caps.losses_5)
    elseif losses >= 3 then
        cap_leverage(trade, "LEVERAGE_LOSSES", caps.losses_3)
    end
end

-- 6, of a rebalancing trade: no leverage.
local function leverage_of_rebalance(_, _, trade)
    cap_leverage(trade, "LEVERAGE_REBALANCE", 1)
end

-- 7. All that is open, and this trade, with leverage.
local function exposure(case, risk, trade)
    local total = case.exposure_pct + trade.size_usd * trade.leverage / case.equity * 100
    if total > risk.limits.exposure_max_pct * ABOVE then
        return "EXPOSURE_LIMIT", format("exposure would be %.2f %% of equity (at most %g %%)",
            total, risk.limits.exposure_max_pct)
    end
end

-- 8. What is open on symbols that move alike, weighted by how alike, and this trade.
local function correlated_exposure(case, risk, trade)
    local limits, open = risk.limits, case.positions
    local before = 0
    for i = 1, #open do
        local position = open[i]
        if not position.decision then
            local alike = correlation.between(risk.correlations, case.symbol, position.symbol)
            if alike > limits.correlation_min then
                before = before + position.exposure_pct * alike
            end
        end
    end
    local limit = limits.correlated_exposure_max_pct
    local total = before + trade.size_usd / case.equity * 100
    if total > limit * ABOVE then
        return "CORRELATED_EXPOSURE",
            format("correlated exposure would be %.2f %% of equity (at most %g %%)", total, limit)
    end
    local warning = limit * limits.correlated_exposure_warning_pct / 100
    if total >= warning * BELOW then
        note(trade, "warnings", "CORRELATED_EXPOSURE", before, total, warning)
    end
end

-- 9. The margin is there, and enough of it stays free.
local function margin(case, risk, trade)
    local equity, available = case.equity, case.margin_available
    local needed = trade.size_usd / trade.leverage
    if needed > available * ABOVE then
        return "INSUFFICIENT_MARGIN", format("needs a margin of %.2f, %.2f is available", needed,
            available)
    end
    local used_pct = (equity - available + needed) / equity * 100
    local limit = risk.limits.margin_utilization_max_pct
    if used_pct > limit * ABOVE then
        return "MARGIN_UTILIZATION",
            format("margin in use would be %.2f %% of equity (at most %g %%)", used_pct, limit)
    end
end

-- 10. Not too many positions.
local function positions(case, risk)
    local limits = risk.limits
    if case.positions_of_symbol >= limits.positions_per_symbol_max then
        return "POSITION_LIMIT", format("%d positions on %s are open (at most %d)",
            case.positions_of_symbol, case.symbol, floor(limits.positions_per_symbol_max))
    elseif case.positions_open >= limits.positions_max then
        return "POSITION_LIMIT", format("%d positions are open (at most %d)", case.positions_open,
            floor(limits.positions_max))
    end
end

-- 11. The entry price is near the market.
local function price_collar(case, risk)
    local last, limit = case.last_price, risk.limits.price_collar_pct
    if last <= 0 then
        return "PRICE_COLLAR", "there is no last price to hold the entry price against"
    end
    local distance = (case.entry_price - last) / last * 100
    if distance > limit * ABOVE or -distance > limit * ABOVE then
        return "PRICE_COLLAR",
            format("the entry price is %+.3f %% off the last price (at most %g %%)", distance,
                limit)
    end
end

-- 12. Not too many entry orders; far too many means that something runs wild.
local function order_rate(case, risk)
    local limits = risk.limits
    local minute_max, day_max = limits.entry_orders_per_minute_max, limits.entry_orders_per_day_max
    local halt = limits.entry_orders_halt_factor
    if case.entry_orders_minute < minute_max and case.entry_orders_day < day_max then
        return
    end
    local runs_wild = case.entry_orders_minute >= minute_max * halt
        or case.entry_orders_day >= day_max * halt
    return "ORDER_RATE", format("%d entry orders in a minute, %d today (at most %d and %d)",
        case.entry_orders_minute, case.entry_orders_day, floor(minute_max), floor(day_max)),
        runs_wild and "halted" or nil
end

-- 13. What is left is an order that the venue takes.
local function minimum(case, _, trade)
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

local function judge(case, config)
    local risk = config.risk
    local rules = case.reduces and EXIT or case.profile == "rebalance" and REBALANCE or ENTRY
    trade.size_usd, trade.leverage = case.size_usd, case.leverage
    trade.reductions, trade.warnings, trade.stop_distance_pct = nil, nil, nil
    local code, reason, status
    for i = 1, #rules do
        code, reason, status = rules[i](case, risk, trade)
        if code then
            break
        end
    end
    if code then
        verdict.status = status or "rejected"
        verdict.size_usd, verdict.leverage = nil, nil
    else
        verdict.status = trade.reductions and "modified" or "approved"
        verdict.size_usd, verdict.leverage = trade.size_usd, trade.leverage
    end
    verdict.code, verdict.reason = code, reason
    verdict.reductions, verdict.warnings = trade.reductions, trade.warnings
    return verdict
end

--------------------------------------------------------------------------------------------------
-- Self-tests: run whenever this file is loaded; one that fails keeps the file from being used.
-- They take their numbers from the configuration, so that a change of a limit does not break them.
--------------------------------------------------------------------------------------------------

local function selftest(test, config)
    local risk = config.risk
    local limits, stop = risk.limits, risk.stop
    local equity = 10000
    local distance = max(stop.distance_min_pct, min(1, stop.distance_max_pct)) / 100

    -- A trade that every rule likes, with some fields changed; "none" takes one away.
    local function sound(changes)
        local case = {
            symbol = "AAA/USDT", side = "buy", profile = "normal",
            size_usd = equity * min(limits.position_size_max_pct, limits.exposure_max_pct,
                limits.risk_per_trade_max_pct, limits.margin_utilization_max_pct,
                limits.correlated_exposure_max_pct / 2) / 1000,
            entry_price = 100, stop_loss = 100 * (1 - distance),
            take_profit = 100 * (1 + 2 * distance * stop.reward_risk_min),
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
        take_profit = 100 * (1 - 2 * distance * stop.reward_risk_min),
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
    if stop.distance_min_pct > 0 then
        refused("a stop too tight", { stop_loss = 100 - stop.distance_min_pct * 0.99 },
            "STOP_TOO_TIGHT")
    end
    refused("a stop too wide", { stop_loss = 100 - stop.distance_max_pct * 1.01 }, "STOP_TOO_WIDE")
    if stop.reward_risk_min > 0 then
        refused("little reward",
            { take_profit = 100 * (1 + 0.99 * distance * stop.reward_risk_min) }, "LOW_RR")
    end
    refused("no confidence", { confidence = 0, strictness = "very_strict", regime = "choppy" },
        "CONFIDENCE_TOO_LOW")
    if risk.size.volatility_spike_factor < 1 then
        test("the size while volatility spikes", sound { volatility_spike = true }, {
            status = "modified", size_usd = sound().size_usd * risk.size.volatility_spike_factor,
        })
    end
    test("too much leverage is brought down", sound { leverage = 100, exposure_pct = -1e6 },
        { status = "modified", leverage = min(limits.leverage_max, risk.leverage.trending_bull) })
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
