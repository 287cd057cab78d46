/*
 * A thousand reloads while a bus carries messages. A second thread builds candidates, some of them
 * broken; the thread of the bus takes them into use between two turns of its pump, and decides on
 * every so many messages by all five policies. Each policy of a generation leaves the same mark in
 * its verdict, so a decision judged by a mixture would show.
 */
#include "support.h"

#include "bus/bus.h"

#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#define RELOADS              1000
#define TURN_MESSAGES        256
#define MESSAGES_PER_VERDICT 64
#define TURN_MAX_NS          (10 * TG_NS_PER_MS) /* of the bus thread, by its own processor time */
#define RELOAD_MAX_NS        (200 * TG_NS_PER_MS)

static char folders[3][64]; /* marks 1 and 2, and one that is broken */

static void write_policy(const char *folder, const char *name, const char *text, int mark)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s.lua", folder, name);
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    fprintf(stream, "local MARK = %d\n%s", mark, text);
    fclose(stream);
    assert_int_equal(chmod(path, 0644), 0);
}

static void write_set(char folder[sizeof folders[0]], int mark)
{
    snprintf(folder, sizeof folders[0], "/tmp/test_storm_XXXXXX");
    assert_non_null(mkdtemp(folder));
    write_policy(folder, "consensus",
                 "return { name = 'consensus', version = '1', judge = function(case)\n"
                 "  local multiplier = case.action == 'SELL' and 0.5 or 1 + MARK / 8\n"
                 "  return { present = 1, agreeing = 1, ratio = 1, multiplier = multiplier,\n"
                 "    confidence = case.confidence * multiplier }\n"
                 "end, selftest = function(test)\n"
                 "  test('yes', { action = 'BUY', confidence = 0.5 }, { present = 1 })\n"
                 "  test('no', { action = 'SELL', confidence = 0.5 }, { multiplier = 0.5 })\n"
                 "end }\n",
                 mark);
    write_policy(folder, "conflict",
                 "return { name = 'conflict', version = '1', judge = function(case)\n"
                 "  if case.action == 'SELL' then\n"
                 "    return { conflicts = { 'regime_conflict' }, resolution = 'abort' }\n"
                 "  end\n"
                 "  return { conflicts = {}, resolution = 'proceed', reason = MARK .. '' }\n"
                 "end, selftest = function(test)\n"
                 "  test('yes', { action = 'BUY' }, { resolution = 'proceed' })\n"
                 "  test('no', { action = 'SELL' }, { resolution = 'abort' })\n"
                 "end }\n",
                 mark);
    write_policy(folder, "sizing",
                 "return { name = 'sizing', version = '1', judge = function(case)\n"
                 "  return { size_usd = case.equity > 0 and MARK or 0 }\n"
                 "end, selftest = function(test)\n"
                 "  test('yes', { equity = 1000 }, { size_usd = MARK })\n"
                 "  test('no', { equity = 0 }, { size_usd = 0 })\n"
                 "end }\n",
                 mark);
    write_policy(folder, "emergency",
                 "return { name = 'emergency', version = '1', judge = function(case)\n"
                 "  return { pause_trading = case.pause_trading, reason = MARK .. '' }\n"
                 "end, selftest = function(test)\n"
                 "  test('yes', {}, { pause_trading = false })\n"
                 "  test('no', { pause_trading = true }, { pause_trading = true })\n"
                 "end }\n",
                 mark);
    write_policy(folder, "risk",
                 "return { name = 'risk', version = '1', judge = function(case)\n"
                 "  if case.confidence == 1 then\n"
                 "    return { status = 'approved', size_usd = case.size_usd, leverage = 1 }\n"
                 "  end\n"
                 "  return { status = 'rejected', code = 'MARK_' .. MARK }\n"
                 "end, selftest = function(test)\n"
                 "  test('yes', { confidence = 1, size_usd = 1 }, { status = 'approved' })\n"
                 "  test('no', { confidence = 0 }, { status = 'rejected' })\n"
                 "end }\n",
                 mark);
}

static int64_t now_ns(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * TG_NS_PER_SEC + time.tv_nsec;
}

/* ---- the thread that builds ---- */

struct builder {
    struct policy_options options;
    _Atomic(struct policy_candidate *) ready;
    _Atomic bool done;
    int64_t taken_ns[RELOADS];
    size_t taken;
    uint64_t refused;
    struct tg_error error; /* what went wrong, to be said by the thread of the test */
};

static void *build(void *context)
{
    struct builder *builder = context;
    for (int i = 0; builder->taken < RELOADS; i++) {
        bool is_broken = i % 10 == 9;
        struct policy_candidate *candidate;
        struct tg_error *error = &builder->error;
        builder->options.folder = folders[is_broken ? 2 : i % 2];
        int64_t start = now_ns(CLOCK_MONOTONIC);
        int code = policy_prepare(&builder->options, &candidate, error);
        if (is_broken && code && strstr(error->message, "risk.lua:2: unexpected symbol")) {
            *error = (struct tg_error){0};
            builder->refused++;
            continue;
        }
        if (is_broken || code)
            break;
        atomic_store(&builder->ready, candidate);
        while (atomic_load(&builder->ready))
            sched_yield();
        builder->taken_ns[builder->taken++] = now_ns(CLOCK_MONOTONIC) - start;
    }
    atomic_store(&builder->done, true);
    return NULL;
}

/* ---- the thread of the bus ---- */

struct world {
    struct fixture fixture;
    struct tg_virtual_clock bus_clock;
    struct bus *bus;
    uint16_t topic;
    char versions[3][COORD_VERSION_SIZE]; /* by mark */
    uint64_t handled, decisions, by_mark[3];
};

static void decide(struct world *world)
{
    const struct coord_judge *judge = &world->fixture.judge;
    char version[COORD_VERSION_SIZE];
    tg_text_copy(version, sizeof version, judge->version(judge->context));
    int mark = strcmp(version, world->versions[1]) == 0 ? 1 : 2;
    assert_string_equal(version, world->versions[mark]);

    struct coord_consensus_case consensus = {.action = TG_ACTION_BUY, .confidence = 0.5};
    struct coord_conflict_case conflict = {.action = TG_ACTION_BUY};
    struct coord_sizing_case sizing = {.action = TG_ACTION_BUY, .equity = 1000};
    struct coord_risk_case risk = sound_risk_case();
    struct coord_emergency_case emergency = {.breach = TG_BREACH_DAILY_LOSS};
    struct coord_consensus_verdict agreed;
    struct coord_conflict_verdict found;
    struct coord_sizing_verdict sized;
    struct coord_risk_verdict judged;
    struct coord_emergency_verdict feared;
    assert_int_equal(judge->consensus(judge->context, &consensus, &agreed, NULL), 0);
    assert_int_equal(judge->conflicts(judge->context, &conflict, &found, NULL), 0);
    assert_int_equal(judge->sizing(judge->context, &sizing, &sized, NULL), 0);
    assert_int_equal(judge->risk(judge->context, &risk, &judged, NULL), 0);
    assert_int_equal(judge->emergency(judge->context, &emergency, &feared, NULL), 0);
    assert_true(agreed.multiplier == 1 + mark / 8.0);
    assert_int_equal(found.reason[0], '0' + mark);
    assert_true(sized.size_usd == mark);
    assert_int_equal(judged.code[5], '0' + mark);
    assert_int_equal(feared.reason[0], '0' + mark);
    assert_string_equal(judge->version(judge->context), version);
    world->decisions++;
    world->by_mark[mark]++;
}

static int on_message(void *context, const struct tg_message *message)
{
    struct world *world = context;
    (void)message;
    if (world->handled++ % MESSAGES_PER_VERDICT == 0)
        decide(world);
    return 0;
}

static void publish_turn(struct world *world, uint16_t source)
{
    static const char payload[] = "{\"text\":\"something of about the length that messages have\"}";
    struct bus_draft draft = {.topic = world->topic,
                              .source = source,
                              .payload = payload,
                              .payload_size = sizeof payload - 1};
    struct tg_error error;
    for (int i = 0; i < TURN_MESSAGES; i++) {
        world->bus_clock.now_ns += TG_NS_PER_MS / 100;
        if (bus_publish(world->bus, &draft, NULL, &error))
            fail_msg("%s", error.message);
    }
}

static void open_world(struct world *world)
{
    memset(world, 0, sizeof *world);
    write_set(folders[0], 1);
    write_set(folders[1], 2);
    write_set(folders[2], 3);
    write_policy(folders[2], "risk", "local broken = = 1\n", 3);
    prepare(&world->fixture, folders[1]);
    open_policy(&world->fixture);
    tg_text_copy(world->versions[2], COORD_VERSION_SIZE, policy_version(world->fixture.policy));
    world->fixture.options.folder = folders[0];
    assert_int_equal(
        policy_reload(world->fixture.policy, &world->fixture.options, &world->fixture.error), 0);
    tg_text_copy(world->versions[1], COORD_VERSION_SIZE, policy_version(world->fixture.policy));
    struct bus_options options = {.clock = tg_virtual_clock(&world->bus_clock), .seed = 1};
    assert_int_equal(bus_create(&options, &world->bus, &world->fixture.error), 0);
    world->topic = bus_topic_own(world->bus, "x.storm.tick", &world->fixture.error);
    assert_int_not_equal(world->topic, 0);
    assert_int_equal(bus_subscribe(world->bus, "judge", world->topic, on_message, NULL, world,
                                   &world->fixture.error),
                     0);
}

static void close_world(struct world *world)
{
    char command[256];
    bus_destroy(world->bus);
    close_policy(&world->fixture);
    snprintf(command, sizeof command, "rm -rf '%s' '%s' '%s'", folders[0], folders[1], folders[2]);
    assert_int_equal(system(command), 0);
}

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void a_thousand_reloads_mix_nothing_and_lose_nothing(void **state)
{
    (void)state;
    static struct world world;
    static struct builder builder;
    open_world(&world);
    uint16_t source = bus_source(world.bus, "storm", &world.fixture.error);
    builder.options = world.fixture.options;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, build, &builder), 0);

    uint64_t published = 0, activated = 0;
    int64_t turn_max = 0;
    size_t bytes_early = 0;
    while (!atomic_load(&builder.done)) {
        publish_turn(&world, source);
        published += TURN_MESSAGES;
        int64_t start = now_ns(CLOCK_THREAD_CPUTIME_ID);
        bus_pump(world.bus, TURN_MESSAGES);
        struct policy_candidate *candidate = atomic_exchange(&builder.ready, NULL);
        if (candidate) {
            policy_activate(world.fixture.policy, candidate);
            activated++;
        }
        int64_t turn = now_ns(CLOCK_THREAD_CPUTIME_ID) - start;
        turn_max = turn > turn_max ? turn : turn_max;
        if (activated == RELOADS / 10)
            bytes_early = mallinfo2().uordblks;
    }
    pthread_join(thread, NULL);
    if (builder.taken < RELOADS)
        fail_msg("after %zu reloads: %s", builder.taken, builder.error.message);
    bus_pump(world.bus, 0);
    size_t bytes_late = mallinfo2().uordblks;

    struct bus_stats stats;
    struct policy_counters counters;
    bus_get_stats(world.bus, &stats);
    assert_int_equal(stats.published, published);
    assert_int_equal(stats.delivered, published);
    assert_int_equal(world.handled, published);
    assert_int_equal(activated, RELOADS);
    assert_true(builder.refused >= RELOADS / 10);
    assert_true(world.by_mark[1] > 0 && world.by_mark[2] > 0);
    assert_true(policy_get_counters(world.fixture.policy, NULL, &counters));
    assert_int_equal(counters.calls, 5 * world.decisions);
    assert_int_equal(counters.failed, 0);
    qsort(builder.taken_ns, RELOADS, sizeof builder.taken_ns[0], compare_times);
    print_message("%llu messages, %llu decisions, %d reloads, %llu refused; call to active: median "
                  "%.1f ms, p99 %.1f ms; longest turn %.2f ms; heap %zu, then %zu bytes\n",
                  (unsigned long long)published, (unsigned long long)world.decisions, RELOADS,
                  (unsigned long long)builder.refused, (double)builder.taken_ns[RELOADS / 2] / 1e6,
                  (double)builder.taken_ns[RELOADS * 99 / 100] / 1e6, (double)turn_max / 1e6,
                  bytes_early, bytes_late);
    assert_true(builder.taken_ns[RELOADS / 2] <= RELOAD_MAX_NS);
    assert_true(turn_max <= TURN_MAX_NS);
    /* Another generation may be in the making at one of the two moments. */
    assert_true(bytes_late <= bytes_early + ((size_t)1 << 20));
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thousand_reloads_mix_nothing_and_lose_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
