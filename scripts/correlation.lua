-- How alike two symbols move, 0 to 1, from config.risk.correlations. Used by risk.lua and
-- conflict.lua. A symbol with itself is 1; a pair that the configuration does not name is 0.

local function between(correlations, a, b)
    if a == b then
        return 1
    end
    if not correlations then
        return 0
    end
    return correlations[a .. " " .. b] or correlations[b .. " " .. a] or 0
end

return { between = between }
