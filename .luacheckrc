-- The policies under scripts/ see an allow-list of Lua 5.4; the names below are not in it.
std = "lua54"
max_line_length = 100

files["scripts"] = {
    not_globals = {
        "_G", "collectgarbage", "coroutine", "debug", "dofile", "getmetatable", "io", "load",
        "loadfile", "next", "os", "package", "pcall", "print", "rawequal", "rawget", "rawlen",
        "rawset", "setmetatable", "utf8", "warn", "xpcall",
    },
    read_globals = {
        "config",
        string = { fields = { "split" } },
    },
}
