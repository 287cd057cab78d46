-- Consensus: do the other agents agree with the signal, and how much is its confidence worth?
--
-- case.action (BUY or SELL), case.confidence, and the latest opinions on the signal's own symbol.
-- An opinion that is missing or too old is nil: absent is not neutral. Numbers: config.consensus.

local TA = { BUY = "long", SELL = "short" }
local REGIME = {
    BUY = { trending_bull = true, breakout_potential = true },
    SELL = { trending_bear = true },
}
local SENTIMENT = {
    BUY = { bullish = true, very_bullish = true },
    SELL = { bearish = true, very_bearish = true },
}

-- All agree: 1 + bonus_max. Below disagree_ratio it falls, down to 1 - malus_max.
local function multiplier_of(ratio, present, numbers)
    if present >= numbers.agents_min and ratio >= numbers.agree_ratio then
        return 1 + (ratio - 0.5) * 2 * numbers.bonus_max
    elseif ratio < numbers.disagree_ratio then
        return 1 - numbers.malus_max + ratio * (numbers.malus_max / numbers.disagree_ratio)
    end
    return 1
end

local function judge(case, config)
    local action = case.action
    local present, agreeing = 0, 0
    local function count(opinion, agrees)
        if opinion then
            present = present + 1
            agreeing = agreeing + (agrees and 1 or 0)
        end
    end
    count(case.ta_bias, case.ta_bias == TA[action])
    count(case.regime, REGIME[action] and REGIME[action][case.regime])
    count(case.sentiment, SENTIMENT[action] and SENTIMENT[action][case.sentiment])

    local ratio = present > 0 and agreeing / present or 0
    local multiplier = present > 0 and multiplier_of(ratio, present, config.consensus) or 1
    return {
        present = present,
        agreeing = agreeing,
        ratio = ratio,
        multiplier = multiplier,
        confidence = math.min(case.confidence * multiplier, 1),
    }
end

local function selftest(test, config)
    local numbers = config.consensus
    test("nobody asked changes nothing", { action = "BUY", confidence = 0.6 },
        { present = 0, multiplier = 1, confidence = 0.6 })
    test("all agree", {
        action = "BUY", confidence = 0.5, ta_bias = "long", regime = "trending_bull",
        sentiment = "very_bullish",
    }, { present = 3, agreeing = 3, multiplier = 1 + numbers.bonus_max })
    test("none agrees", {
        action = "SELL", confidence = 0.5, ta_bias = "long", regime = "ranging",
        sentiment = "neutral",
    }, { present = 3, agreeing = 0, multiplier = 1 - numbers.malus_max })
    test("one voice is no consensus", { action = "SELL", confidence = 0.5, ta_bias = "short" },
        { present = 1, agreeing = 1, multiplier = numbers.agents_min > 1 and 1 or nil })
    test("confidence stays within 1", {
        action = "SELL", confidence = 1, ta_bias = "short", regime = "trending_bear",
    }, { confidence = 1 })
end

return { name = "consensus", version = "1.0", judge = judge, selftest = selftest }
