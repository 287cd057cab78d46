/* For the tests of the Lua room: a small case and verdict, and a machine with one script. */
#ifndef TEST_LUA_SUPPORT_H
#define TEST_LUA_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lua/vm.h"

#include <stdio.h>
#include <string.h>

struct part {
    char name[8];
    double weight;
};
struct sample_case {
    double price;
    int64_t level;
    uint32_t count;
    bool flag, has_stop;
    char symbol[12];
    uint8_t colour;
    double stop, target; /* has_stop says whether both are there */
    struct part parts[4];
    uint32_t part_count;
};
struct sample_verdict {
    double value;
    int64_t whole;
    uint8_t colour;
    bool flag;
    char note[32];
    char code[8];
    uint8_t colours[3];
    uint32_t colour_count;
    struct part parts[2];
    uint32_t part_count;
};

static const char *const colours[] = {"red", "green", "blue"};
static const struct lua_field part_fields[] = {
    {.name = "name", .kind = LUA_FIELD_TEXT, .flags = LUA_REQUIRED, .size = 8},
    {.name = "weight", .kind = LUA_FIELD_REAL, .offset = offsetof(struct part, weight)},
};
static const struct lua_record part_record = {"part", part_fields, 2, sizeof(struct part)};
#define AT(type, field) .offset = offsetof(struct type, field)
static const struct lua_field case_fields[] = {
    {.name = "price", .kind = LUA_FIELD_REAL, AT(sample_case, price)},
    {.name = "level", .kind = LUA_FIELD_WHOLE, AT(sample_case, level)},
    {.name = "count", .kind = LUA_FIELD_COUNT, AT(sample_case, count)},
    {.name = "flag", .kind = LUA_FIELD_FLAG, AT(sample_case, flag)},
    {.name = "symbol", .kind = LUA_FIELD_TEXT, AT(sample_case, symbol), .size = 12},
    {.name = "colour",
     .kind = LUA_FIELD_WORD,
     AT(sample_case, colour),
     .words = colours,
     .word_count = 3},
    {.name = "stop",
     .kind = LUA_FIELD_REAL,
     .flags = LUA_NOT_FINITE,
     AT(sample_case, stop),
     .presence_offset = offsetof(struct sample_case, has_stop)},
    {.name = "target",
     .kind = LUA_FIELD_REAL,
     AT(sample_case, target),
     .presence_offset = offsetof(struct sample_case, has_stop)},
    {.name = "parts",
     .kind = LUA_FIELD_RECORDS,
     AT(sample_case, parts),
     .size = 4,
     .count_offset = offsetof(struct sample_case, part_count),
     .record = &part_record},
};
static const struct lua_record case_record = {"case", case_fields, 9, sizeof(struct sample_case)};
static const struct lua_field verdict_fields[] = {
    {.name = "value", .kind = LUA_FIELD_REAL, .flags = LUA_REQUIRED, AT(sample_verdict, value)},
    {.name = "whole", .kind = LUA_FIELD_WHOLE, AT(sample_verdict, whole)},
    {.name = "colour",
     .kind = LUA_FIELD_WORD,
     AT(sample_verdict, colour),
     .words = colours,
     .word_count = 3},
    {.name = "flag", .kind = LUA_FIELD_FLAG, AT(sample_verdict, flag)},
    {.name = "note",
     .kind = LUA_FIELD_TEXT,
     .flags = LUA_SHORTEN,
     AT(sample_verdict, note),
     .size = 32},
    {.name = "code", .kind = LUA_FIELD_TEXT, AT(sample_verdict, code), .size = 8},
    {.name = "colours",
     .kind = LUA_FIELD_WORDS,
     AT(sample_verdict, colours),
     .size = 3,
     .count_offset = offsetof(struct sample_verdict, colour_count),
     .words = colours,
     .word_count = 3},
    {.name = "parts",
     .kind = LUA_FIELD_RECORDS,
     AT(sample_verdict, parts),
     .size = 2,
     .count_offset = offsetof(struct sample_verdict, part_count),
     .record = &part_record},
};
static const struct lua_record verdict_record = {"verdict", verdict_fields, 8,
                                                 sizeof(struct sample_verdict)};

static const struct lua_parameter parameters[] = {
    {"limits.size_max", LUA_PARAMETER_NUMBER, 20, NULL},
    {"limits.by_symbol.BTC/USDT", LUA_PARAMETER_NUMBER, 3, NULL},
    {"limits.by_symbol.XRP/USDT", LUA_PARAMETER_NUMBER, 5, NULL},
    {"name", LUA_PARAMETER_TEXT, 0, "default"},
    {"on", LUA_PARAMETER_FLAG, 1, NULL},
};

struct fixture {
    struct lua_source sources[4];
    struct tg_virtual_clock clock;
    struct lua_vm *vm;
    struct lua_module *module;
    struct lua_binding *binding;
    struct tg_error error;
};

/* A clock that goes on by a millisecond each time it is read. */
static int64_t running_clock_read(void *context)
{
    return ((struct tg_virtual_clock *)context)->now_ns += TG_NS_PER_MS;
}

static void open_vm(struct fixture *fixture, const char *text, const char *library,
                    uint64_t instructions_max, bool running_clock)
{
    memset(fixture, 0, sizeof *fixture);
    fixture->sources[0] = (struct lua_source){"main.lua", text, strlen(text)};
    fixture->sources[1] =
        (struct lua_source){"library.lua", library, library ? strlen(library) : 0};
    struct lua_vm_options options = {
        .memory_max_bytes = (size_t)8 << 20,
        .instructions_max = instructions_max,
        .deadline_ns = 10 * TG_NS_PER_MS,
        .clock = tg_virtual_clock(&fixture->clock),
        .sources = fixture->sources,
        .source_count = library ? 2 : 1,
        .parameters = parameters,
        .parameter_count = sizeof parameters / sizeof parameters[0],
    };
    if (running_clock)
        options.clock = (struct tg_clock){running_clock_read, running_clock_read, &fixture->clock};
    if (lua_vm_create(&options, &fixture->vm, &fixture->error))
        fail_msg("%s", fixture->error.message);
}

static void close_vm(struct fixture *fixture)
{
    lua_vm_destroy(fixture->vm);
}

/* A machine whose judge has the given body. */
static void open_judge_with(struct fixture *fixture, const char *body, const char *library,
                            uint64_t instructions_max, bool running_clock, char *text, size_t size)
{
    snprintf(text, size, "local function judge(case, config)\n%s\nend\nreturn { judge = judge }\n",
             body);
    open_vm(fixture, text, library, instructions_max, running_clock);
    enum lua_outcome outcome =
        lua_vm_load(fixture->vm, "main.lua", &fixture->module, &fixture->error);
    if (outcome != LUA_OUTCOME_OK)
        fail_msg("%s", fixture->error.message);
    if (lua_module_bind(fixture->module, "judge", &case_record, &verdict_record, &fixture->binding,
                        &fixture->error))
        fail_msg("%s", fixture->error.message);
}

#define open_judge(fixture, body)                                                                  \
    char text_[16384];                                                                             \
    open_judge_with((fixture), (body), NULL, 1000000, false, text_, sizeof text_)

static const struct sample_case plain_case = {.price = 50000,
                                              .level = 7,
                                              .count = 2,
                                              .flag = true,
                                              .symbol = "BTC/USDT",
                                              .colour = 1,
                                              .parts = {{"a", 1}, {"b", 2}},
                                              .part_count = 2};

#endif
