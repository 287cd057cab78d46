/*
 * A bus on a clock that stands still, a plugin host, and a recorder of what reaches the bus; the
 * plugins are those of the zoo (tests/zoo). Time limits of calls are real.
 */
#ifndef TEST_PLUGIN_WORLD_H
#define TEST_PLUGIN_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/decimal.h"
#include "base/text.h"
#include "loop/loop.h"
#include "plugin_int.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORLD_START  (INT64_C(1643673600) * TG_NS_PER_SEC)
#define SECOND       TG_NS_PER_SEC
#define A_MOMENT     (20 * TG_NS_PER_MS) /* limit of what hangs anyway */
#define LONG_ENOUGH  (50 * SECOND)       /* limit of what does not */
#define HEARD_MAX    2048
#define LOG_SIZE     65536
#define WORLD_LANES  ((uint32_t)4)
#define ARRAY_END(a) (sizeof(a) / sizeof((a)[0]))

struct heard {
    uint16_t topic;
    uint8_t priority;
    char source[TG_SOURCE_SIZE];
    char text[1024]; /* of an own topic */
};

struct world {
    struct tg_virtual_clock time;
    struct bus *bus;
    struct obs_log *log;
    struct plugin_host *host;
    struct tg_error error;
    char logged[LOG_SIZE];
    size_t logged_length;
    struct heard *heard;
    size_t heard_count;
};

static inline const char *build_folder(void)
{
    const char *folder = getenv("TRIPLEGAIN_BUILD");
    assert_non_null(folder);
    return folder;
}

/* The folder of one plugin of the zoo; valid until the next call. */
static inline const char *zoo_folder(const char *name)
{
    static char path[4096];
    (void)snprintf(path, sizeof(path), "%s/zoo/%s", build_folder(), name);
    return path;
}

/* Its file; valid until the next call. */
static inline const char *zoo_file(const char *name)
{
    static char path[4096];
    (void)snprintf(path, sizeof(path), "%s/zoo/%s/%s.so", build_folder(), name, name);
    return path;
}

static inline void world_log(void *context, int level, const char *line, size_t length)
{
    struct world *world = context;
    (void)level;
    if (length + 2 > LOG_SIZE - world->logged_length)
        return;
    memcpy(world->logged + world->logged_length, line, length);
    world->logged_length += length;
    world->logged[world->logged_length++] = '\n';
    world->logged[world->logged_length] = '\0';
}

static inline int world_hear(void *context, const struct tg_message *message)
{
    struct world *world = context;
    assert_true(world->heard_count < HEARD_MAX);
    struct heard *heard = &world->heard[world->heard_count++];
    heard->topic = message->topic;
    heard->priority = message->priority;
    (void)tg_text_copy(heard->source, sizeof(heard->source), message->source);
    heard->text[0] = '\0';
    if (message->topic >= TG_TOPIC_OWN_FIRST)
        (void)tg_text_copy_slice(heard->text, sizeof(heard->text), message->payload,
                                 message->payload_size);
    return 0;
}

/* Own topics can be listened to once they exist: bus_topic_own makes them. */
static inline void world_listen(struct world *world, const char *topic)
{
    uint16_t number = bus_topic_find(world->bus, topic);
    if (number == 0)
        number = bus_topic_own(world->bus, topic, &world->error);
    assert_int_equal(
        bus_subscribe(world->bus, "tester", number, world_hear, NULL, world, &world->error), 0);
}

static inline void world_make_host(struct world *world, uint32_t lanes)
{
    static const char *const core_safe[] = {"echo",      "steady",      "fails",      "floods",
                                            "odd_feed",  "bad_records", "own_thread", "life",
                                            "odd_venue", "gated",       "answers"};
    struct plugin_host_options options = {.bus = world->bus,
                                          .log = world->log,
                                          .clock = tg_virtual_clock(&world->time),
                                          .real_clock = loop_real_clock(),
                                          .seed = 42,
                                          .lanes = lanes,
                                          .core_safe = core_safe,
                                          .core_safe_count = ARRAY_END(core_safe)};
    if (plugin_host_create(&options, &world->host, &world->error) != 0)
        fail_msg("%s", world->error.message);
}

static inline void world_open(struct world *world, uint32_t lanes)
{
    memset(world, 0, sizeof(*world));
    world->time.now_ns = WORLD_START;
    struct tg_clock clock = tg_virtual_clock(&world->time);
    struct bus_options options = {.clock = clock, .seed = 7};
    world->heard = calloc(HEARD_MAX, sizeof(*world->heard));
    assert_non_null(world->heard);
    assert_int_equal(
        obs_log_create(TG_LOG_DEBUG, &clock, world_log, world, &world->log, &world->error), 0);
    options.log = world->log;
    assert_int_equal(bus_create(&options, &world->bus, &world->error), 0);
    world_make_host(world, lanes);
}

static inline void world_close_host(struct world *world)
{
    plugin_host_destroy(world->host);
    world->host = NULL;
}

static inline void world_close(struct world *world)
{
    world_close_host(world);
    bus_destroy(world->bus);
    obs_log_destroy(world->log);
    free(world->heard);
}

static inline void world_scan(struct world *world, const char *name)
{
    if (plugin_scan(world->host, zoo_folder(name), &world->error) != 0)
        fail_msg("%s", world->error.message);
}

/* An agent's instance; `settings` may be NULL. The plugin's folder is read where it was not yet. */
static inline struct plugin_instance *world_agent(struct world *world, const char *plugin,
                                                  const char *name, enum plugin_lane lane,
                                                  const struct plugin_setting *settings,
                                                  size_t count)
{
    struct plugin_instance *instance = NULL;
    struct plugin_instance_options options = {.name = name,
                                              .plugin = plugin,
                                              .kind = TG_KIND_AGENT,
                                              .lane = lane,
                                              .settings = settings,
                                              .setting_count = count};
    if (plugin_find(world->host, plugin) == NULL)
        world_scan(world, plugin);
    if (plugin_instance_create(world->host, &options, &instance, &world->error) != 0)
        fail_msg("%s", world->error.message);
    return instance;
}

/* Two pipes between a plugin and its test, as settings; both ends are the test's. */
struct meeting {
    int gate[2], told[2];
    char numbers[2][16];
    struct plugin_setting settings[2];
};

static inline void meeting_open(struct meeting *meeting)
{
    assert_int_equal(pipe2(meeting->gate, O_CLOEXEC), 0);
    assert_int_equal(pipe2(meeting->told, O_CLOEXEC), 0);
    (void)snprintf(meeting->numbers[0], sizeof(meeting->numbers[0]), "%d", meeting->gate[0]);
    (void)snprintf(meeting->numbers[1], sizeof(meeting->numbers[1]), "%d", meeting->told[1]);
    meeting->settings[0] = (struct plugin_setting){"gate", meeting->numbers[0], "test"};
    meeting->settings[1] = (struct plugin_setting){"told", meeting->numbers[1], "test"};
}

static inline void meeting_close(struct meeting *meeting)
{
    for (int i = 0; i < 2; i++) {
        (void)close(meeting->gate[i]);
        (void)close(meeting->told[i]);
    }
}

static inline void let_through(struct meeting *meeting)
{
    assert_int_equal(write(meeting->gate[1], "!", 1), 1);
}

/* The next letter that the plugin tells; fails the test where none comes. */
static inline char hear_letter(struct meeting *meeting)
{
    struct pollfd waited = {.fd = meeting->told[0], .events = POLLIN};
    char letter = '\0';
    assert_int_equal(poll(&waited, 1, 50000), 1);
    assert_int_equal(read(meeting->told[0], &letter, 1), 1);
    return letter;
}

/* All letters told so far. */
static inline const char *letters(struct meeting *meeting)
{
    static char text[256];
    size_t length = 0;
    struct pollfd waited = {.fd = meeting->told[0], .events = POLLIN};
    while (length + 1 < sizeof(text) && poll(&waited, 1, 0) == 1 &&
           read(meeting->told[0], text + length, 1) == 1)
        length++;
    text[length] = '\0';
    return text;
}

/* A run of "XRP/USDT" whose snapshot, input and position are gone when this returns. */
static inline int world_run_symbol(struct world *world, struct plugin_instance *instance,
                                   const char *task, const char *symbol, uint64_t number,
                                   int64_t limit_ns)
{
    struct tg_bar bars[3];
    struct tg_indicators none = {.ready = 0};
    struct tg_indicators known = {.ready = UINT64_C(1) << TG_INDICATOR_rsi14, .rsi14 = 28.5};
    struct tg_ta_signals reading = {.bias = TG_BIAS_SHORT, .confidence = 0.5};
    struct tg_position position = {.side = TG_SIDE_BUY, .entry_price = tg_decimal_whole(77)};
    struct tg_snapshot snapshot = {.size = sizeof(snapshot), .last_price = tg_decimal_whole(103)};
    char source[] = "someone", own_task[64], own_symbol[TG_SYMBOL_SIZE];
    struct tg_input input = {.topic = TG_TOPIC_TA_SIGNALS,
                             .payload_size = sizeof(reading),
                             .payload = &reading,
                             .source = source};
    memset(bars, 0, sizeof(bars));
    for (int i = 0; i < 3; i++)
        bars[i].close = tg_decimal_whole(101 + i);
    for (int i = 0; i < TG_TIMEFRAME_COUNT; i++)
        snapshot.series[i].indicators = &none;
    snapshot.series[TG_TIMEFRAME_5M] =
        (struct tg_series){.bars = bars, .indicators = &known, .count = 3};
    snapshot.series[TG_TIMEFRAME_1H] =
        (struct tg_series){.bars = bars, .indicators = &known, .count = 1};
    assert_true(tg_text_copy(own_task, sizeof(own_task), task));
    assert_true(tg_text_copy(own_symbol, sizeof(own_symbol), symbol));
    struct tg_run run = {.size = sizeof(run),
                         .input_count = 1,
                         .task = own_task,
                         .symbol = own_symbol,
                         .slot = world->time.now_ns,
                         .now = world->time.now_ns + 1,
                         .snapshot = &snapshot,
                         .inputs = &input,
                         .positions = &position,
                         .position_count = 1};
    tg_error_clear(&world->error);
    int code = plugin_run(instance, &run, number, limit_ns, &world->error);
    memset(bars, 0xee, sizeof(bars)); /* what a lane works on is its own */
    memset(&none, 0xee, sizeof(none));
    memset(&known, 0xee, sizeof(known));
    memset(&reading, 0xee, sizeof(reading));
    memset(&position, 0xee, sizeof(position));
    memset(&snapshot, 0xee, sizeof(snapshot));
    memset(source, 'x', sizeof(source) - 1);
    memset(own_task, 'x', sizeof(own_task) - 1);
    return code;
}

static inline void world_run(struct world *world, struct plugin_instance *instance,
                             const char *task, uint64_t number, int64_t limit_ns)
{
    if (world_run_symbol(world, instance, task, "XRP/USDT", number, limit_ns) != 0)
        fail_msg("%s", world->error.message);
}

/* The next result, which must be there and be that number's. */
static inline struct plugin_result world_result(struct world *world, uint64_t number,
                                                enum plugin_outcome outcome)
{
    struct plugin_result result;
    assert_true(plugin_collect(world->host, true, &result));
    assert_int_equal(result.number, number);
    if (result.outcome != outcome)
        fail_msg("outcome %d: %s", (int)result.outcome, result.message);
    return result;
}

/* Runs once and gives the result. */
static inline struct plugin_result world_do(struct world *world, struct plugin_instance *instance,
                                            const char *task, enum plugin_outcome outcome)
{
    world_run(world, instance, task, 1, LONG_ENOUGH);
    return world_result(world, 1, outcome);
}

static inline struct plugin_instance_view view_of(const struct plugin_instance *instance)
{
    struct plugin_instance_view view;
    plugin_instance_view(instance, &view);
    return view;
}

/* Waits for what another thread is about to do, without a guess how long that takes. */
static inline void until_not_hung(const struct plugin_instance *instance)
{
    while (view_of(instance).hung)
        (void)sched_yield();
}

static inline void world_pump(struct world *world)
{
    (void)bus_pump(world->bus, 0);
}

static inline void world_publish_reading(struct world *world, const char *symbol)
{
    struct tg_ta_signals reading = {.bias = TG_BIAS_LONG, .confidence = 0.5};
    assert_true(tg_text_copy(reading.symbol, sizeof(reading.symbol), symbol));
    struct bus_draft draft = {.topic = TG_TOPIC_TA_SIGNALS,
                              .source = bus_source(world->bus, "tester", &world->error),
                              .priority = TG_PRIORITY_HIGH,
                              .payload = &reading,
                              .payload_size = sizeof(reading)};
    if (bus_publish(world->bus, &draft, NULL, &world->error) != 0)
        fail_msg("%s", world->error.message);
}

static inline void world_publish_event(struct world *world, const char *event)
{
    struct tg_system_events record = {.present = 0};
    assert_true(tg_text_copy(record.event, sizeof(record.event), event));
    struct bus_draft draft = {.topic = TG_TOPIC_SYSTEM_EVENTS,
                              .source = bus_source(world->bus, "tester", &world->error),
                              .payload = &record,
                              .payload_size = sizeof(record)};
    if (bus_publish(world->bus, &draft, NULL, &world->error) != 0)
        fail_msg("%s", world->error.message);
}

#endif
