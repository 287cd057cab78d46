-- Emergencies: a circuit breaker has fired. What happens to trading and to the open positions?
--
-- case.breach, case.severity, case.symbol ("" where none is meant), case.positions_open. Where the
-- configuration has actions for the breach (coordinator.actions), case.is_configured is true, and
-- pause_trading, reduce_positions, halt_all and close_positions say which.
--
-- The verdict names what is to be done, by the same names and pause_symbol. It may do more than is
-- configured, never less: the host adds what is missing. A halt covers a pause, closing all
-- positions covers halving them.

local SEVERE = { high = true, critical = true }

local function judge(case)
    if case.is_configured then
        return {
            pause_trading = case.pause_trading,
            reduce_positions = case.reduce_positions,
            halt_all = case.halt_all,
            close_positions = case.close_positions,
            reason = "as configured for " .. case.breach,
        }
    elseif case.breach == "consecutive_losses" then
        return { reason = "the cool-down and the halved sizes are enough" }
    elseif case.breach == "execution_errors" and case.symbol ~= "" then
        return { pause_symbol = true, reason = case.symbol .. " has a fault, the others go on" }
    elseif case.breach == "store_unavailable" then
        return { pause_trading = true, reason = "nothing can be stored" }
    elseif SEVERE[case.severity] then
        return { halt_all = true, reason = "nothing is configured, and it is severe" }
    end
    return { pause_trading = true, reason = "nothing is configured" }
end

local function selftest(test)
    local none = {
        pause_trading = false, reduce_positions = false, halt_all = false,
        close_positions = false, pause_symbol = false,
    }
    local function only(...)
        local expect = {}
        for name, value in pairs(none) do
            expect[name] = value
        end
        for _, name in ipairs { ... } do
            expect[name] = true
        end
        return expect
    end
    test("as configured: a day's loss", {
        breach = "daily_loss", is_configured = true, pause_trading = true,
    }, only("pause_trading"))
    test("as configured: a week's loss", {
        breach = "weekly_loss", is_configured = true, pause_trading = true,
        reduce_positions = true,
    }, only("pause_trading", "reduce_positions"))
    test("as configured: the drawdown", {
        breach = "max_drawdown", is_configured = true, halt_all = true, close_positions = true,
    }, only("halt_all", "close_positions"))
    test("losses in a row have their cool-down", { breach = "consecutive_losses" }, none)
    test("a fault at one symbol", { breach = "execution_errors", symbol = "AAA/USDT" },
        only("pause_symbol"))
    test("a fault at no symbol", { breach = "execution_errors" }, only("halt_all"))
    test("the store is away", { breach = "store_unavailable", severity = "critical" },
        only("pause_trading"))
    test("severe and not configured", { breach = "weekly_loss", severity = "high" },
        only("halt_all"))
    test("not severe and not configured", { breach = "daily_loss", severity = "medium" },
        only("pause_trading"))
end

return { name = "emergency", version = "1.0", judge = judge, selftest = selftest }
