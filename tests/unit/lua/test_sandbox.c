/* The sandbox: what scripts try, and what becomes of it. */
#include "support.h"

static void outcome_is(const char *body, enum lua_outcome expected, const char *part)
{
    struct fixture fixture;
    open_judge(&fixture, body);
    struct sample_verdict verdict;
    enum lua_outcome outcome =
        lua_binding_call(fixture.binding, &plain_case, &verdict, &fixture.error);
    if (outcome != expected || (part && !strstr(fixture.error.message, part)))
        fail_msg("%s: %s: %s", body, lua_outcome_text(outcome), fixture.error.message);
    close_vm(&fixture);
}

static void says(const char *expression, const char *expected)
{
    struct fixture fixture;
    char body[2048];
    snprintf(body, sizeof body, "return { value = 1, note = tostring(%s) }", expression);
    open_judge(&fixture, body);
    struct sample_verdict verdict;
    enum lua_outcome outcome =
        lua_binding_call(fixture.binding, &plain_case, &verdict, &fixture.error);
    if (outcome != LUA_OUTCOME_OK)
        fail_msg("%s: %s", expression, fixture.error.message);
    if (strcmp(verdict.note, expected) != 0)
        fail_msg("%s is %s, expected %s", expression, verdict.note, expected);
    close_vm(&fixture);
}

static void load_is(const char *text, const char *library, enum lua_outcome expected,
                    const char *part)
{
    struct fixture fixture;
    open_vm(&fixture, text, library, 1000000, false);
    enum lua_outcome outcome = lua_vm_load(fixture.vm, "main.lua", &fixture.module, &fixture.error);
    if (outcome != expected || (part && !strstr(fixture.error.message, part)))
        fail_msg("%s: %s: %s", text, lua_outcome_text(outcome), fixture.error.message);
    close_vm(&fixture);
}

/* I11, DESIGN: names that must not be there. */
static void dangerous_names_are_absent(void **state)
{
    (void)state;
    static const char *const names[] = {
        "io",     "os",       "debug",  "package",   "load",         "loadstring",     "loadfile",
        "dofile", "pcall",    "xpcall", "coroutine", "setmetatable", "getmetatable",   "rawget",
        "rawset", "rawequal", "rawlen", "next",      "print",        "collectgarbage", "_G",
        "utf8",   "warn",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char body[64];
        snprintf(body, sizeof body, "return %s", names[i]);
        outcome_is(body, LUA_OUTCOME_RUNTIME, "is not defined (or not available to policies)");
    }
    static const char *const fields[] = {
        "math.random", "math.randomseed", "string.gsub",   "string.match", "string.gmatch",
        "string.dump", "string.pack",     "string.unpack", "table.move",   "table.pack",
        "('').gsub",   "('').match",      "('').dump",
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        says(fields[i], "nil");
}

static void globals_cannot_be_set(void **state)
{
    (void)state;
    outcome_is("counter = 1", LUA_OUTCOME_RUNTIME, "main.lua:2: global 'counter' cannot be set");
    outcome_is("math = {}", LUA_OUTCOME_RUNTIME, "global 'math' cannot be set");
    outcome_is("_ENV.x = 1", LUA_OUTCOME_RUNTIME, "global 'x' cannot be set");
    outcome_is("math.abs = 1", LUA_OUTCOME_RUNTIME, "read-only");
    outcome_is("string.rep = 1", LUA_OUTCOME_RUNTIME, "read-only");
    outcome_is("('').rep = 1", LUA_OUTCOME_RUNTIME, NULL);
    load_is("global = 1 return {}", NULL, LUA_OUTCOME_RUNTIME, "main.lua:1: global 'global'");
    /* The config is there while a file loads, and read-only then too. */
    load_is("assert(config.limits.size_max == 20) return {}", NULL, LUA_OUTCOME_OK, NULL);
    load_is("config.limits.size_max = 1 return {}", NULL, LUA_OUTCOME_RUNTIME, "read-only");
    load_is("config = {} return {}", NULL, LUA_OUTCOME_RUNTIME, "global 'config' cannot be set");
}

/* I3 */
static void endless_loops_are_stopped(void **state)
{
    (void)state;
    outcome_is("while true do end", LUA_OUTCOME_BUDGET,
               "used more than 1000000 instructions (at main.lua:2)");
    outcome_is("local function f() return f() end f()", LUA_OUTCOME_BUDGET, "instructions");
    outcome_is("for i = 1, math.huge do end", LUA_OUTCOME_BUDGET, "instructions");
    outcome_is("goto again ::again:: goto again", LUA_OUTCOME_BUDGET, "instructions");
    outcome_is("repeat local x = string.rep('a', 60000) until false", LUA_OUTCOME_BUDGET, NULL);
    outcome_is("local s = ('x'):rep(60000) for i = 1, 1e9 do local x = s .. i end",
               LUA_OUTCOME_NO_MEMORY, NULL);
    outcome_is("table.sort({3, 2, 1}, function() while true do end end)", LUA_OUTCOME_BUDGET, NULL);
    outcome_is("for _ in function() return 1 end do end", LUA_OUTCOME_BUDGET, NULL);
    load_is("while true do end", NULL, LUA_OUTCOME_BUDGET, "instructions");
}

static void the_deadline_is_kept(void **state)
{
    (void)state;
    struct fixture fixture;
    char text[1024];
    open_judge_with(&fixture, "while true do end", NULL, 100000000, true, text, sizeof text);
    struct sample_verdict verdict;
    assert_int_equal(lua_binding_call(fixture.binding, &plain_case, &verdict, &fixture.error),
                     LUA_OUTCOME_DEADLINE);
    assert_non_null(strstr(fixture.error.message, "ran longer than 10 ms"));
    assert_int_equal(fixture.error.code, TG_E_TIMEOUT);
    close_vm(&fixture);
}

/* I5, and afterwards the machine is as good as new. */
static void memory_is_capped(void **state)
{
    (void)state;
    outcome_is("local t = {} for i = 1, 1e9 do t[i] = { i } end", LUA_OUTCOME_NO_MEMORY,
               "needs more memory than 8388608 bytes");
    outcome_is("local s = 'x' while true do s = s .. s end", LUA_OUTCOME_NO_MEMORY, "at once");
    outcome_is("local s = string.rep('x', 60000) local t = {} for i = 1, 1e9 do t[i] = s .. i end",
               LUA_OUTCOME_NO_MEMORY, NULL);
    outcome_is("local function f() return 1 + f() end f()", LUA_OUTCOME_NO_MEMORY, NULL);
    struct fixture fixture;
    open_judge(&fixture, "if case.flag then local t = {} for i = 1, 1e9 do t[i] = { i } end end\n"
                         "return { value = 5 }");
    struct sample_verdict verdict;
    struct sample_case given = plain_case;
    size_t bytes, high;
    for (int i = 0; i < 3; i++) {
        given.flag = true;
        assert_int_equal(lua_binding_call(fixture.binding, &given, &verdict, &fixture.error),
                         LUA_OUTCOME_NO_MEMORY);
        given.flag = false;
        assert_int_equal(lua_binding_call(fixture.binding, &given, &verdict, &fixture.error),
                         LUA_OUTCOME_OK);
    }
    lua_vm_memory(fixture.vm, &bytes, &high);
    assert_true(high <= (size_t)8 << 20);
    assert_true(bytes < (size_t)1 << 20);
    close_vm(&fixture);
}

/* I4 */
static void bounded_functions_are_bounded(void **state)
{
    (void)state;
    outcome_is("string.rep('', 2^40)", LUA_OUTCOME_RUNTIME, "too long (at most 65536 bytes)");
    outcome_is("string.rep('x', 65537)", LUA_OUTCOME_RUNTIME, "too long");
    outcome_is("('x'):rep(1 << 62)", LUA_OUTCOME_RUNTIME, "too long");
    outcome_is("string.rep('', 3, string.rep('x', 65000))", LUA_OUTCOME_RUNTIME, "too long");
    says("#string.rep('x', 65536)", "65536");
    says("string.rep('ab', 3, '-')", "ab-ab-ab");
    says("string.rep('x', -1)", "");
    outcome_is("local t = {} for i = 1, 20000 do t[i] = i end while true do pairs(t) end",
               LUA_OUTCOME_BUDGET, NULL);
    outcome_is("local t = {} for i = 1, 20000 do t[i] = i end while true do table.sort(t) end",
               LUA_OUTCOME_BUDGET, NULL);
    outcome_is("local s = string.rep('a', 60000) while true do s:find('b') end", LUA_OUTCOME_BUDGET,
               NULL);
    outcome_is("table.unpack({}, 1, 1e8)", LUA_OUTCOME_BAD_RESULT, NULL);
    outcome_is("local t = {} for i = 1, 201 do t[i] = i end table.unpack(t)", LUA_OUTCOME_RUNTIME,
               "too many values (at most 200)");
    outcome_is("table.insert({1}, 2^53, 1)", LUA_OUTCOME_RUNTIME, "outside of the list");
    outcome_is("string.split('a', '')", LUA_OUTCOME_RUNTIME, "must not be empty");
}

static void text_functions_work(void **state)
{
    (void)state;
    says("('a.b'):find('.')", "2");
    says("('aXb'):find('x')", "nil");
    says("select('#', ('abc'):find('bc'))", "2");
    says("('abcabc'):find('bc', 3)", "5");
    says("('abc'):find('', 10)", "nil");
    says("table.concat(('a,,b'):split(','), '|')", "a||b");
    says("#(('BTC/USDT'):split('/'))", "2");
    says("string.format('%d %5.2f %s', 3, 1.234, true)", "3  1.23 true");
    says("string.format('%s', {})", "table");
    says("string.format('100%% %s', 'x')", "100% x");
    outcome_is("string.format('%p', {})", LUA_OUTCOME_RUNTIME, "%p is not available");
    outcome_is("string.format('%-20p', {})", LUA_OUTCOME_RUNTIME, "%p is not available");
    outcome_is("string.format('%', 1)", LUA_OUTCOME_RUNTIME, NULL);
    says("('x'):upper()", "X");
    says("tostring({})", "table");
}

static void number_functions_work(void **state)
{
    (void)state;
    says("math.floor(-1.5)", "-2");
    says("math.ceil(1.2)", "2");
    says("math.abs(-3)", "3");
    says("math.abs(math.mininteger)", "-9223372036854775808");
    says("math.max(1, 3, 2)", "3");
    says("math.min(1.5, 0.5)", "0.5");
    says("math.type(1)", "integer");
    says("math.tointeger(3.0)", "3");
    says("math.tointeger('3')", "nil");
    says("tonumber('12.5')", "12.5");
    says("tonumber('x')", "nil");
    says("tonumber(string.rep('1', 100))", "nil");
    outcome_is("return { value = '10' + 1 }", LUA_OUTCOME_RUNTIME, "attempt to perform arithmetic");
    outcome_is("math.floor('1')", LUA_OUTCOME_RUNTIME, "number expected, got string");
    outcome_is("math.max()", LUA_OUTCOME_RUNTIME, "number expected");
}

static void pairs_goes_in_order(void **state)
{
    (void)state;
    /* 40 keys whose order in memory depends on the seed of the machine. */
    struct fixture fixture;
    open_judge(&fixture, "local t = { [2.5] = 1, [true] = 1, [3] = 1, [false] = 1 }\n"
                         "for i = 40, 1, -1 do t['k' .. i % 7 .. i] = i end\n"
                         "local last, fine, count\n"
                         "fine, count = true, 0\n"
                         "for k, v in pairs(t) do\n"
                         "  if type(k) == 'string' then\n"
                         "    if last and last >= k then fine = false end\n"
                         "    last = k\n"
                         "  end\n"
                         "  count = count + 1\n"
                         "end\n"
                         "local keys = {}\n"
                         "for k in pairs({ b = 1, [10] = 1, a = 1, [-1] = 1, [true] = 1 }) do\n"
                         "  keys[#keys + 1] = tostring(k)\n"
                         "end\n"
                         "return { value = count, flag = fine, note = table.concat(keys, ' ') }");
    struct sample_verdict verdict;
    assert_int_equal(lua_binding_call(fixture.binding, &plain_case, &verdict, &fixture.error), 0);
    assert_true(verdict.flag && verdict.value == 44);
    assert_string_equal(verdict.note, "-1 10 a b true");
    close_vm(&fixture);
    says("(function() local s = '' for k in pairs(config.limits.by_symbol) do s = s .. k end "
         "return s end)()",
         "BTC/USDTXRP/USDT");
    says("(function() local t = {a=1,b=2,c=3} for k in pairs(t) do t.b = nil t.c = nil end "
         "return t.a end)()",
         "1");
    outcome_is("for k in pairs({ [{}] = 1 }) do end", LUA_OUTCOME_RUNTIME, "have no order");
    outcome_is("pairs(7)", LUA_OUTCOME_RUNTIME, "table expected");
}

static void lists_work(void **state)
{
    (void)state;
    says("(function() local t = {3,1,2} table.sort(t) return table.concat(t, ' ') end)()", "1 2 3");
    says("(function() local t = {3,1,2,5,4} table.sort(t, function(a, b) return a > b end) "
         "return table.concat(t, ' ') end)()",
         "5 4 3 2 1");
    /* Stable: equal ones stay in their order. */
    says("(function() local t = {'b1','a1','b2','a2','b3'} "
         "table.sort(t, function(a, b) return a:sub(1,1) < b:sub(1,1) end) "
         "return table.concat(t, ' ') end)()",
         "a1 a2 b1 b2 b3");
    says("(function() local t = {1,2,3} table.insert(t, 2, 9) table.insert(t, 7) "
         "return table.concat(t, ' ') end)()",
         "1 9 2 3 7");
    says("(function() local t = {1,2,3} local x = table.remove(t, 1) "
         "return x .. ':' .. table.concat(t, ' ') end)()",
         "1:2 3");
    says("select('#', table.unpack({1,2,3}))", "3");
    outcome_is("table.sort({1, 'a'})", LUA_OUTCOME_RUNTIME, "attempt to compare");
    outcome_is("table.concat({{}})", LUA_OUTCOME_RUNTIME, "value 1 of the list is a table");
}

/* I2, I12 */
static void errors_become_sentences(void **state)
{
    (void)state;
    outcome_is("error('no good')", LUA_OUTCOME_RUNTIME, "main.lua:2: no good");
    outcome_is("error({})", LUA_OUTCOME_RUNTIME, "error value is a table (at main.lua:2)");
    outcome_is("error(nil)", LUA_OUTCOME_RUNTIME, "error value is a nil");
    outcome_is("error(42)", LUA_OUTCOME_RUNTIME, "error value 42");
    outcome_is("error(case)", LUA_OUTCOME_RUNTIME, "error value is a table");
    outcome_is("error(function() end)", LUA_OUTCOME_RUNTIME, "error value is a function");
    outcome_is("error(string.rep('x', 60000))", LUA_OUTCOME_RUNTIME, "xxxx");
    outcome_is("error('\\xff\\0\\n')", LUA_OUTCOME_RUNTIME, "?");
    outcome_is("local x = case.nothing.at_all", LUA_OUTCOME_RUNTIME,
               "main.lua:2: attempt to index a nil value (field 'nothing')");
    outcome_is("local function inner() error('deep') end\ninner()", LUA_OUTCOME_RUNTIME,
               "main.lua:2: deep (called from main.lua:3)");
    outcome_is("local t = {1,2} local f f = function() table.sort(t, f) return true end f()",
               LUA_OUTCOME_RUNTIME, NULL);
    outcome_is("local f f = function(t) for k in pairs(t) do return f(t) end end\n"
               "local s = ('x'):rep(50000) return f({ [s] = 1 })",
               LUA_OUTCOME_NO_MEMORY, NULL);
    outcome_is("assert(false)", LUA_OUTCOME_RUNTIME, "assertion failed!");
}

static void files_that_are_wrong_are_refused(void **state)
{
    (void)state;
    load_is("return {", NULL, LUA_OUTCOME_RUNTIME, "main.lua:1:");
    load_is("local x = 1\nlocal y = = 2\nreturn {}", NULL, LUA_OUTCOME_RUNTIME,
            "main.lua:2: unexpected symbol near '='");
    load_is("return 7", NULL, LUA_OUTCOME_RUNTIME, "returns a number; it must return a table");
    load_is("", NULL, LUA_OUTCOME_RUNTIME, "returns a nil");
    load_is("error('while loading')", NULL, LUA_OUTCOME_RUNTIME, "main.lua:1: while loading");
    load_is("#!/usr/bin/lua\nreturn {}", NULL, LUA_OUTCOME_RUNTIME, "main.lua:1:");
    /* I8 */
    load_is("\033LuaT\001\031\223\r\n\032\n", NULL, LUA_OUTCOME_RUNTIME,
            "main.lua:1: is compiled Lua; only text is loaded");
    char deep[1024] = "return ";
    memset(deep + 7, '{', sizeof deep - 8);
    load_is(deep, NULL, LUA_OUTCOME_RUNTIME, "main.lua:1:");
    struct fixture fixture;
    open_vm(&fixture, "return {}", NULL, 1000, false);
    assert_int_not_equal(lua_vm_load(fixture.vm, "other.lua", &fixture.module, &fixture.error), 0);
    assert_non_null(strstr(fixture.error.message, "other.lua: there is no such file"));
    close_vm(&fixture);
}

static void require_stays_among_the_sources(void **state)
{
    (void)state;
    const char *library = "return { twice = function(x) return 2 * x end }";
    load_is("local l = require 'library' assert(l.twice(2) == 4) assert(l == require 'library')\n"
            "return {}",
            library, LUA_OUTCOME_OK, NULL);
    load_is("require 'library'", "return 7", LUA_OUTCOME_RUNTIME,
            "library.lua:1: returns a number");
    load_is("require 'library'", "local x = = 1", LUA_OUTCOME_RUNTIME, "library.lua:1:");
    load_is("require 'library'", "return require 'library'", LUA_OUTCOME_RUNTIME,
            "'library' needs itself");
    load_is("require 'library'", "return require 'main'", LUA_OUTCOME_RUNTIME, "needs itself");
    load_is("require 'nothing'", library, LUA_OUTCOME_RUNTIME, "there is no nothing.lua");
    load_is("require '../library'", library, LUA_OUTCOME_RUNTIME, "of a-z 0-9 _ is needed");
    load_is("require 'cjson'", library, LUA_OUTCOME_RUNTIME, "cjson is not available");
    load_is("require(7)", library, LUA_OUTCOME_RUNTIME, NULL);
    load_is("require 'library'", "shared = 1 return {}", LUA_OUTCOME_RUNTIME,
            "global 'shared' cannot be set");
}

/* I9: two files share nothing, whatever they do to what they are given. */
static void files_share_nothing(void **state)
{
    (void)state;
    struct fixture fixture;
    open_vm(&fixture,
            "local l = require 'library' l.mark = 'main' return { name = l.mark or 'clean' }",
            "return {}", 100000, false);
    struct lua_source second = {"second.lua",
                                "return { name = (require 'library').mark or 'clean' }", 0};
    second.length = strlen(second.text);
    lua_vm_destroy(fixture.vm);
    fixture.sources[2] = second;
    struct lua_vm_options options = {.memory_max_bytes = (size_t)1 << 20,
                                     .instructions_max = 100000,
                                     .deadline_ns = TG_NS_PER_SEC,
                                     .clock = tg_virtual_clock(&fixture.clock),
                                     .sources = fixture.sources,
                                     .source_count = 3};
    assert_int_equal(lua_vm_create(&options, &fixture.vm, &fixture.error), 0);
    assert_int_equal(lua_vm_load(fixture.vm, "main.lua", &fixture.module, &fixture.error), 0);
    assert_int_equal(lua_vm_load(fixture.vm, "second.lua", &fixture.module, &fixture.error), 0);
    char name[16];
    assert_int_equal(lua_module_text(fixture.module, "name", name, sizeof name, &fixture.error), 0);
    assert_string_equal(name, "clean");
    assert_int_equal(lua_module_text(fixture.module, "none", name, sizeof name, &fixture.error),
                     TG_E_INVALID);
    close_vm(&fixture);
}

static void options_are_checked(void **state)
{
    (void)state;
    struct tg_virtual_clock clock = {0};
    struct lua_vm_options good = {.memory_max_bytes = (size_t)1 << 20,
                                  .instructions_max = 1000,
                                  .deadline_ns = 1,
                                  .clock = tg_virtual_clock(&clock)};
    struct lua_vm *vm;
    struct tg_error error;
    assert_int_equal(lua_vm_create(&good, &vm, &error), 0);
    lua_vm_destroy(vm);
    struct lua_vm_options bad = good;
    bad.memory_max_bytes = 1000;
    assert_int_equal(lua_vm_create(&bad, &vm, &error), TG_E_RANGE);
    assert_null(vm);
    bad = good;
    bad.instructions_max = 0;
    assert_int_equal(lua_vm_create(&bad, &vm, &error), TG_E_RANGE);
    bad = good;
    bad.deadline_ns = 0;
    assert_int_equal(lua_vm_create(&bad, &vm, &error), TG_E_RANGE);
    bad = good;
    static const char *const paths[] = {"", "a..b", ".a", "a.", "a.b.c.d.e.f.g.h.i"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct lua_parameter parameter = {paths[i], LUA_PARAMETER_NUMBER, 1, NULL};
        bad.parameters = &parameter;
        bad.parameter_count = 1;
        assert_int_not_equal(lua_vm_create(&bad, &vm, &error), 0);
    }
    struct lua_parameter twice[] = {{"a.b", LUA_PARAMETER_NUMBER, 1, NULL},
                                    {"a", LUA_PARAMETER_NUMBER, 1, NULL}};
    bad.parameters = twice;
    bad.parameter_count = 2;
    assert_int_not_equal(lua_vm_create(&bad, &vm, &error), 0);
    assert_non_null(strstr(error.message, "'a' is there twice"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dangerous_names_are_absent),
        cmocka_unit_test(globals_cannot_be_set),
        cmocka_unit_test(endless_loops_are_stopped),
        cmocka_unit_test(the_deadline_is_kept),
        cmocka_unit_test(memory_is_capped),
        cmocka_unit_test(bounded_functions_are_bounded),
        cmocka_unit_test(text_functions_work),
        cmocka_unit_test(number_functions_work),
        cmocka_unit_test(pairs_goes_in_order),
        cmocka_unit_test(lists_work),
        cmocka_unit_test(errors_become_sentences),
        cmocka_unit_test(files_that_are_wrong_are_refused),
        cmocka_unit_test(require_stays_among_the_sources),
        cmocka_unit_test(files_share_nothing),
        cmocka_unit_test(options_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
