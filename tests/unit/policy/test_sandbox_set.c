/*
 * The sandbox set: what a policy file may try, and what becomes of it. Each script stands in
 * risk.lua and is asked some times, with a good question after each: it ends as the outcome
 * named in its row, within its budget, the trade is rejected, the good question is answered, and
 * memory is as it was. Scripts of the second table never come so far: they are refused when they
 * are loaded. Prints the set with outcomes and times.
 */
#include "folder.h"

#include <time.h>

/* Of processor time. Sanitizers make an allocation cost hundreds of times as much: there the budget
 * of instructions is what is tested, and this only keeps the test from running for ever. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define CALL_MAX_NS (60 * TG_NS_PER_SEC)
#else
#define CALL_MAX_NS (500 * TG_NS_PER_MS)
#endif
#define MEMORY_MAX_BYTES ((size_t)8 << 20)
#define MEMORY_SLACK     ((size_t)256 << 10) /* garbage of one call that is not collected yet */
#define ROUNDS           4

enum ending { BUDGET, NO_MEMORY, RUNTIME, BAD_RESULT, HELD, ENDING_COUNT };
static const char *const endings[] = {"budget", "no_memory", "runtime", "bad_result", "held"};

/* `held`: the verdict is read, and C does not let it loosen anything. */
struct attempt {
    const char *name;
    enum ending ending;
    const char *body;
};

static const struct attempt attempts[] = {
    /* loops */
    {"endless loop", BUDGET, "while true do end"},
    {"endless loop in a helper", BUDGET,
     "local function spin() while true do end end local function f() spin() end f()"},
    {"repeat until false", BUDGET, "repeat until false"},
    {"goto back", BUDGET, "::again:: goto again"},
    {"counting to infinity", BUDGET, "for i = 1, math.huge do end"},
    {"counting by nothing to speak of", BUDGET, "for x = 0.0, 1.0, 1e-300 do end"},
    {"a step of zero", RUNTIME, "for i = 1, 10, 0 do end"},
    {"nested loops", BUDGET, "for i = 1, 1e5 do for j = 1, 1e5 do end end"},
    {"an iterator without end", BUDGET, "for _ in function() return 1 end do end"},
    {"a tail call for ever", BUDGET, "local function f() return f() end f()"},
    {"two that call each other", BUDGET,
     "local f, g function f() return g() end function g() return f() end f()"},
    {"exponential recursion", BUDGET,
     "local function f(n) if n == 0 then return 1 end return f(n - 1) + f(n - 1) end f(60)"},
    {"a comparator without end", BUDGET,
     "table.sort({ 3, 2, 1 }, function() while true do end end)"},
    {"loops of pairs", BUDGET,
     "local t = {} for i = 1, 1000 do t[i] = i end while true do for k in pairs(t) do end end"},
    {"loops of sorting", BUDGET,
     "local t = {} for i = 1, 20000 do t[i] = -i end while true do table.sort(t) end"},
    {"loops of searching", BUDGET,
     "local s = string.rep('a', 60000) while true do string.find(s, 'b') end"},
    {"loops of inserting in front", BUDGET, "local t = {} while true do table.insert(t, 1, 0) end"},
    {"loops of formatting", BUDGET, "while true do string.format('%99.99f', 1e308) end"},
    {"loops of splitting", BUDGET,
     "local s = string.rep('a,', 30000) while true do string.split(s, ',') end"},
    {"loops of joining", BUDGET,
     "local t = {} for i = 1, 1000 do t[i] = 'x' end while true do table.concat(t) end"},
    {"loops of repeating", BUDGET, "while true do string.rep('x', 60000) end"},
    /* depth */
    {"deep recursion", NO_MEMORY, "local function f() return 1 + f() end f()"},
    {"deep recursion through sort", RUNTIME,
     "local t, f = { 1, 2 } f = function() table.sort(t, f) return true end f()"},
    {"deep recursion with arguments", NO_MEMORY,
     "local function f(...) return 1 + f(1, 2, 3, 4, ...) end f()"},
    /* memory */
    {"a table that grows", NO_MEMORY, "local t = {} for i = 1, 1e9 do t[i] = i end"},
    {"a table of tables", NO_MEMORY, "local t = {} for i = 1, 1e9 do t[i] = { i } end"},
    {"a text that doubles", NO_MEMORY, "local s = 'x' while true do s = s .. s end"},
    {"texts that are all different", NO_MEMORY,
     "local s, t = string.rep('x', 60000), {} for i = 1, 1e9 do t[i] = s .. i end"},
    {"texts thrown away at once", NO_MEMORY,
     "local s = string.rep('x', 60000) for i = 1, 1e9 do local x = s .. i end"},
    {"closures without end", NO_MEMORY,
     "local t = {} for i = 1, 1e9 do t[i] = function() return i end end"},
    {"keys without end", NO_MEMORY, "local t = {} for i = 1, 1e9 do t['k' .. i] = true end"},
    {"a chain of tables", NO_MEMORY, "local t = {} while true do t = { t } end"},
    {"tables thrown away at once", BUDGET, "while true do local t = { 1, 2, 3, 4, 5, 6 } end"},
    {"huge repeats", RUNTIME, "string.rep('x', 1 << 40)"},
    {"huge repeats of nothing", RUNTIME, "string.rep('', 1 << 62)"},
    {"huge separators", RUNTIME, "string.rep('x', 10000, string.rep('y', 60000))"},
    {"unpacking too much", RUNTIME,
     "local t = {} for i = 1, 300 do t[i] = i end return table.unpack(t)"},
    {"a place far outside", RUNTIME, "table.insert({}, 1 << 53, 1)"},
    {"a format that is too long", RUNTIME, "string.format(string.rep('%%', 10000))"},
    /* names that are not there */
    {"pcall around it", RUNTIME, "pcall(function() while true do end end)"},
    {"a coroutine", RUNTIME, "coroutine.wrap(function() while true do end end)()"},
    {"a yield out of pairs", RUNTIME, "for k in pairs({ 1 }) do coroutine.yield(k) end"},
    {"a finaliser", RUNTIME, "setmetatable({}, { __gc = function() while true do end end })"},
    {"a variable to be closed", RUNTIME, "local x <close> = { 1 }"},
    {"the metatable of texts", RUNTIME, "getmetatable('').__index = nil"},
    {"running bytecode", RUNTIME, "load('\\27Lua')()"},
    {"running text", RUNTIME, "load('return 1')()"},
    {"dumping a function", RUNTIME, "string.dump(judge)"},
    {"patterns", RUNTIME, "string.match(string.rep('a', 9999), '.-.-.-.-b')"},
    {"substitution", RUNTIME, "('x'):gsub('x', 'y')"},
    {"files", RUNTIME, "io.open('/etc/passwd')"},
    {"processes", RUNTIME, "os.execute('true')"},
    {"the clock", RUNTIME, "os.time()"},
    {"random numbers", RUNTIME, "math.random()"},
    {"the debugger", RUNTIME, "debug.sethook()"},
    {"packages", RUNTIME, "package.loadlib('libc.so.6', 'system')"},
    {"raw access", RUNTIME, "rawset(case, 'size_usd', 1e9)"},
    {"require of a path", RUNTIME, "require '../conf'"},
    {"require of what is not there", RUNTIME, "require 'nothing'"},
    {"require of bytes", RUNTIME, "require 'a\\0b'"},
    /* writing what is not its own */
    {"a global", RUNTIME, "counter = 1"},
    {"a global through _ENV", RUNTIME, "_ENV.counter = 1"},
    {"a library function", RUNTIME, "math.max = math.min"},
    {"a text function", RUNTIME, "string.format = nil"},
    {"the configuration", RUNTIME, "config.risk.limits.position_size_max_pct = 100"},
    {"a new number in it", RUNTIME, "config.mine = 1"},
    {"a part of it away", RUNTIME, "config.risk = nil"},
    {"the case", RUNTIME, "case.size_usd = 1e9"},
    {"a new field in the case", RUNTIME, "case.mine = 1"},
    {"a position of the case", RUNTIME, "case.positions[1] = {}"},
    {"sorting the case", RUNTIME, "table.insert(case, 1)"},
    /* errors of odd kinds */
    {"error with a table", RUNTIME, "error({})"},
    {"error with nil", RUNTIME, "error(nil)"},
    {"error with a function", RUNTIME, "error(error)"},
    {"error with the case", RUNTIME, "error(case)"},
    {"error with a long text", RUNTIME, "error(string.rep('x', 60000))"},
    {"error with bytes", RUNTIME, "error('\\xff\\0\\27[31m')"},
    {"error of an odd level", RUNTIME, "error('x', 1 << 31)"},
    {"a table as a key that is nil", RUNTIME, "local t = {} t[nil] = 1"},
    {"a key that is NaN", RUNTIME, "local t = {} t[0 / 0] = 1"},
    {"keys without an order", RUNTIME, "for k in pairs({ [{}] = 1 }) do end"},
    {"a call of nothing", RUNTIME, "local f = nil f()"},
    {"a name that hides another", RUNTIME, "local math = nil return math.max(1, 2)"},
    {"comparing apples with pears", RUNTIME, "return case < config"},
    {"whole division by zero", RUNTIME, "return 1 // 0"},
    {"modulo zero", RUNTIME, "return 1 % 0"},
    {"a bit of a fraction", RUNTIME, "return 1.5 | 1"},
    {"a format that lacks values", RUNTIME, "string.format('%d %s')"},
    {"a fraction as a whole number", RUNTIME, "string.format('%d', 1.5)"},
    {"an address", RUNTIME, "string.format('%p', case)"},
    {"a width of a thousand", RUNTIME, "string.format('%1000d', 1)"},
    {"a conversion that is none", RUNTIME, "string.format('%y', 1)"},
    /* results */
    {"nothing", BAD_RESULT, "return"},
    {"a number", BAD_RESULT, "return 1"},
    {"a text", BAD_RESULT, "return 'approved'"},
    {"a function", BAD_RESULT, "return judge"},
    {"the case itself", BAD_RESULT, "return case"},
    {"the configuration itself", BAD_RESULT, "return config"},
    {"an empty table", BAD_RESULT, "return {}"},
    {"an unknown status", BAD_RESULT, "return { status = 'ok', size_usd = 1, leverage = 1 }"},
    {"a status of another type", BAD_RESULT, "return { status = 1, size_usd = 1, leverage = 1 }"},
    {"NaN as a size", BAD_RESULT, "return { status = 'approved', size_usd = 0 / 0, leverage = 1 }"},
    {"infinity as a size", BAD_RESULT,
     "return { status = 'approved', size_usd = math.huge, leverage = 1 }"},
    {"a size below zero", BAD_RESULT,
     "return { status = 'approved', size_usd = -1000, leverage = 2 }"},
    {"no size", BAD_RESULT, "return { status = 'approved', leverage = 1 }"},
    {"a size as a text", BAD_RESULT, "return { status = 'approved', size_usd = '1000' }"},
    {"half a leverage", BAD_RESULT,
     "return { status = 'modified', size_usd = 10, leverage = 0.5 }"},
    {"a leverage beyond whole numbers", BAD_RESULT,
     "return { status = 'modified', size_usd = 10, leverage = 2 ^ 70 }"},
    {"a whole number that wrapped around", BAD_RESULT,
     "return { status = 'modified', size_usd = 10, leverage = math.maxinteger + 1 }"},
    {"approved with a code", BAD_RESULT,
     "return { status = 'approved', code = 'NO', size_usd = 1000, leverage = 2 }"},
    {"rejected without a code", BAD_RESULT, "return { status = 'rejected' }"},
    {"a code of bytes", BAD_RESULT, "return { status = 'rejected', code = '\\xff\\xfe' }"},
    {"a table that holds itself", BAD_RESULT,
     "local t = { status = 'rejected', code = 'NO' } t.reductions = { t } return t"},
    {"thirty thousand fields", BAD_RESULT,
     "local t = { status = 'rejected', code = 'NO' } for i = 1, 30000 do t[i] = i end return t"},
    {"a million fields", NO_MEMORY,
     "local t = { status = 'rejected', code = 'NO' } for i = 1, 1e6 do t['f' .. i] = i end\n"
     "return t"},
    {"more reductions than there are", BAD_RESULT,
     "local r = {} for i = 1, 1000 do r[i] = { rule = 'X', before = 1, after = 1, limit = 1 } end\n"
     "return { status = 'rejected', code = 'NO', reductions = r }"},
    {"a size raised", HELD, "return { status = 'approved', size_usd = 1e9, leverage = 2 }"},
    {"a leverage raised", HELD, "return { status = 'approved', size_usd = 1000, leverage = 100 }"},
    {"both raised by 2^53", HELD,
     "return { status = 'modified', size_usd = 2 ^ 53, leverage = 1 << 53 }"},
};

static int64_t processor_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * TG_NS_PER_SEC + time.tv_nsec;
}

static uint64_t count_of(const struct policy_counters *counters, enum ending ending)
{
    switch (ending) {
    case BUDGET:
        return counters->budget;
    case NO_MEMORY:
        return counters->no_memory;
    case RUNTIME:
        return counters->runtime;
    case BAD_RESULT:
        return counters->bad_result;
    default:
        return counters->loosened;
    }
}

static void check_rejected(const struct attempt *attempt, int code,
                           const struct coord_risk_verdict *verdict)
{
    if (attempt->ending == HELD) {
        if (code != 0 || verdict->size_usd > 1000 || verdict->leverage > 2)
            fail_msg("%s: code %d, size %g, leverage %lld", attempt->name, code, verdict->size_usd,
                     (long long)verdict->leverage);
        return;
    }
    if (code == 0 || verdict->status != COORD_RISK_REJECTED ||
        strcmp(verdict->code, "RULE_ERROR") != 0 || verdict->size_usd != 0 ||
        verdict->leverage != 0 || verdict->reason[0] == '\0')
        fail_msg("%s: code %d, %s, %s", attempt->name, code, verdict->code, verdict->reason);
}

/* A question that every attempt answers well. */
static void check_next(struct fixture *fixture, const struct attempt *attempt)
{
    struct coord_risk_case given = sound_risk_case();
    struct coord_risk_verdict verdict;
    given.confidence = 1;
    if (fixture->judge.risk(fixture->judge.context, &given, &verdict, &fixture->error) != 0 ||
        verdict.status != COORD_RISK_APPROVED || verdict.size_usd != 1000)
        fail_msg("after %s: %s", attempt->name, fixture->error.message);
}

static void try(const struct attempt *attempt)
{
    struct fixture fixture;
    struct policy_counters early, after;
    struct coord_risk_case given = sound_risk_case();
    int64_t longest = 0;
    write_risk(attempt->body);
    prepare(&fixture, folder);
    open_policy(&fixture);
    given.leverage = 2;
    for (int round = 1; round <= ROUNDS; round++) {
        struct coord_risk_verdict verdict;
        int64_t start = processor_ns();
        int code = fixture.judge.risk(fixture.judge.context, &given, &verdict, &fixture.error);
        int64_t taken = processor_ns() - start;
        longest = taken > longest ? taken : longest;
        check_rejected(attempt, code, &verdict);
        check_next(&fixture, attempt);
        if (round == ROUNDS / 2)
            policy_get_counters(fixture.policy, "risk", &early);
    }
    policy_get_counters(fixture.policy, "risk", &after);
    print_message("%-34s %-10s %8.3f ms  %.60s\n", attempt->name, endings[attempt->ending],
                  (double)longest / 1e6, fixture.error.message);
    if (count_of(&after, attempt->ending) != ROUNDS || after.failed + after.loosened != ROUNDS)
        fail_msg(
            "%s: budget %llu, no_memory %llu, runtime %llu, bad_result %llu, loosened %llu: %s",
            attempt->name, (unsigned long long)after.budget, (unsigned long long)after.no_memory,
            (unsigned long long)after.runtime, (unsigned long long)after.bad_result,
            (unsigned long long)after.loosened, fixture.error.message);
    if (longest > CALL_MAX_NS || after.memory_high_bytes > MEMORY_MAX_BYTES ||
        after.memory_bytes > early.memory_bytes + MEMORY_SLACK)
        fail_msg("%s: %lld ns, %zu bytes, then %zu, at most %zu", attempt->name, (long long)longest,
                 early.memory_bytes, after.memory_bytes, after.memory_high_bytes);
    close_policy(&fixture);
}

static void every_attempt_ends_as_it_must(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++)
        try(&attempts[i]);
    print_message("%zu attempts\n", sizeof attempts / sizeof attempts[0]);
}

/* ---- what is not even loaded ---- */

static const struct {
    const char *name, *file, *text, *says;
} refusals[] = {
    {"bytecode", "risk.lua", "\033LuaT\001\031\223", "is compiled Lua; only text is loaded"},
    {"text that is no Lua", "risk.lua", "PK\003\004\377\376", "risk.lua:1:"},
    {"bytes that are no UTF-8", "risk.lua", "return { name = 'r\377sk', version = '1' }",
     "risk.lua: its table needs 'name'"},
    {"a syntax error", "risk.lua", "local x =\nreturn", "risk.lua:2:"},
    {"half a file", "risk.lua", "local function judge(case)\n  return {", "risk.lua:2:"},
    {"nothing", "risk.lua", "", "risk.lua:1: returns a nil"},
    {"an endless loop", "risk.lua", "while true do end", "used more than"},
    {"an endless loop in a library", "correlation.lua", "while true do end", "used more than"},
    {"a memory bomb", "risk.lua", "local t = {} for i = 1, 1e9 do t[i] = {} end",
     "needs more memory"},
    {"a global", "risk.lua", "counter = 0 return {}", "global 'counter' cannot be set"},
    {"files that need each other", "correlation.lua", "return require 'risk'", "needs itself"},
    {"a file that needs itself", "correlation.lua", "return require 'correlation'", "needs itself"},
    {"cjson", "correlation.lua", "return require 'cjson'", "cjson is not available"},
    {"an endless self-test", "sizing.lua",
     "return { name = 'sizing', version = '1', judge = function() return { size_usd = 0 } end,\n"
     "selftest = function() while true do end end }",
     "sizing.lua: used more than"},
    {"a million self-tests", "sizing.lua",
     "return { name = 'sizing', version = '1', judge = function() return { size_usd = 0 } end,\n"
     "selftest = function(test) for i = 1, 1e6 do test('x', {}, {}) end end }",
     "too many (at most 1000)"},
    {"a self-test of a cyclic case", "sizing.lua",
     "return { name = 'sizing', version = '1', judge = function() return { size_usd = 0 } end,\n"
     "selftest = function(test) local c = {} c.c = c test('x', c, {}) end }",
     "nested too deep"},
    {"a memory from call to call", "sizing.lua",
     "local n = 0\nreturn { name = 'sizing', version = '1',\n"
     "judge = function() n = n + 1 return { size_usd = n - 1 } end,\n"
     "selftest = function(test) test('a', { equity = 1e6 }, { size_usd = 0 })\n"
     "test('b', { equity = 1e6 }, { size_usd = 1 }) end }",
     "depends on what was asked before"},
    {"no self-test that refuses", "sizing.lua",
     "return { name = 'sizing', version = '1', judge = function() return { size_usd = 1 } end,\n"
     "selftest = function(test) test('a', { equity = 1e6 }, { size_usd = 1 }) end }",
     "at least one case that passes and one that is refused"},
    {"tables nested without end", "risk.lua", NULL, "risk.lua:1:"},
    {"a file that is too long", "library.lua", NULL, "is too long (at most 1048576 bytes)"},
};

/* The two that are not written out. */
static void write_long(const char *name)
{
    static char text[(1 << 20) + 2];
    bool is_risk = strcmp(name, "risk.lua") == 0;
    memset(text, is_risk ? '{' : '-', sizeof text - 1);
    if (is_risk)
        memcpy(text, "return ", 7);
    text[is_risk ? 1000 : sizeof text - 1] = '\0';
    write_file(name, text);
}

static void what_is_refused_at_load(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct fixture fixture;
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
            copy_shipped(names[k]);
        if (refusals[i].text)
            write_file(refusals[i].file, refusals[i].text);
        else
            write_long(refusals[i].file);
        prepare(&fixture, folder);
        int64_t start = processor_ns();
        int code = policy_create(&fixture.options, &fixture.policy, &fixture.error);
        int64_t taken = processor_ns() - start;
        const char *sentence = fixture.error.message;
        if (code == 0 || !strstr(sentence, refusals[i].says) || !strstr(sentence, folder))
            fail_msg("%s: %d: %s", refusals[i].name, code, sentence);
        print_message("%-34s %-10s %8.3f ms  %.60s\n", refusals[i].name, "refused",
                      (double)taken / 1e6, sentence + strlen(folder) + 1);
        assert_true(taken < 4 * CALL_MAX_NS);
    }
    print_message("%zu files refused\n", sizeof refusals / sizeof refusals[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_attempt_ends_as_it_must, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_is_refused_at_load, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
