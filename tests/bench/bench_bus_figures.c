/*
 * What the bus promises beside its rate.
 *
 *   get_latest_10     nanoseconds for the newest message of a symbol and source, asked for by a
 *   get_latest_100k   handler, with 10 and with 100,000 messages in the topic's history
 *   urgent_overtake   LOW messages delivered after an URGENT one was published by another thread,
 *                     with 100,000 LOW ones queued; one may be in hand
 *   wake_eventfd      microseconds from before the write of an eventfd until a thread that slept in
 *                     poll has read it, 1,000 times a second
 *   wake_1k           microseconds from before the publish on another thread until the handler runs
 *                     on a loop that slept, 1,000 messages a second
 *   wake_1k_ratio     the latter over the former, both of one pair of runs
 */
#include "base/text.h"
#include "bench.h"
#include "bus/bus.h"
#include "loop/loop.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define RUNS          9
#define LOOK_UPS      1000000u
#define HISTORY_LONG  100000u
#define LOW_MESSAGES  100000u
#define WAKES         250u
#define WAKE_PAUSE_NS 1000000
#define DEADLINE_NS   (5 * TG_NS_PER_SEC) /* of one wake run; a lost wake-up fails the program */

static struct bus *make_bus(struct bus_options options)
{
    struct tg_error error;
    struct bus *bus;

    options.clock = bench_clock();
    options.seed = 1;
    if (bus_create(&options, &bus, &error) != TG_E_OK)
        bench_fail("%s", error.message);
    return bus;
}

static void subscribe(struct bus *bus, uint16_t topic, bus_handler handler, void *context)
{
    struct tg_error error;

    if (bus_subscribe(bus, "reader", topic, handler, NULL, context, &error) != TG_E_OK)
        bench_fail("%s", error.message);
}

static struct tg_ta_signals reading_of(const char *symbol)
{
    struct tg_ta_signals reading;

    memset(&reading, 0, sizeof(reading));
    (void)tg_text_copy(reading.symbol, sizeof(reading.symbol), symbol);
    reading.confidence = 0.5;
    reading.price.units = 1;
    TG_SET(&reading, TA_SIGNALS, price);
    return reading;
}

static struct bus_draft draft_of(struct bus *bus, const struct tg_ta_signals *reading,
                                 uint8_t priority)
{
    return (struct bus_draft){.topic = TG_TOPIC_TA_SIGNALS,
                              .source = bus_source(bus, "bench", NULL),
                              .priority = priority,
                              .payload = reading,
                              .payload_size = sizeof(*reading)};
}

static void publish(struct bus *bus, const struct bus_draft *draft)
{
    struct tg_error error;

    if (bus_publish(bus, draft, NULL, &error) != TG_E_OK)
        bench_fail("%s", error.message);
}

static void publish_from(struct bus_publisher *publisher, const struct bus_draft *draft)
{
    struct tg_error error;

    if (bus_publisher_publish(publisher, draft, NULL, &error) != TG_E_OK)
        bench_fail("%s", error.message);
}

/* ---- the newest message --------------------------------------------------------------------- */

struct looker {
    struct bus *bus;
    uint16_t source;
    double nanoseconds;
};

static int look_up(void *context, const struct tg_message *message)
{
    struct looker *looker = context;
    struct tg_message found;
    uint64_t sum = 0;

    (void)message;
    const int64_t start = bench_now_ns();
    for (uint32_t i = 0; i < LOOK_UPS; i++) {
        if (!bus_get_latest(looker->bus, TG_TOPIC_TA_SIGNALS, "BTC/USDT", looker->source, 0,
                            &found))
            bench_fail("nothing was found");
        sum += found.payload_size;
    }
    looker->nanoseconds = (double)(bench_now_ns() - start) / LOOK_UPS;
    if (sum != LOOK_UPS * sizeof(struct tg_ta_signals))
        bench_fail("something else was found");
    return 0;
}

static double run_get_latest(uint32_t messages)
{
    static const char *const symbols[] = {"BTC/USDT", "ETH/USDT", "XRP/USDT", "LTC/USDT"};
    struct bus *bus = make_bus((struct bus_options){.history_messages_max = HISTORY_LONG,
                                                    .history_bytes_max = 256u * 1024u * 1024u});
    struct looker looker = {.bus = bus, .source = bus_source(bus, "bench", NULL)};
    const struct tg_system_events go = {.event = "look"};
    const struct bus_draft start = {.topic = TG_TOPIC_SYSTEM_EVENTS,
                                    .source = looker.source,
                                    .payload = &go,
                                    .payload_size = sizeof(go)};

    for (uint32_t i = 0; i < messages; i++) {
        const struct tg_ta_signals reading = reading_of(symbols[i % 4]);
        const struct bus_draft draft = draft_of(bus, &reading, 0);
        publish(bus, &draft);
    }
    (void)bus_pump(bus, 0);
    subscribe(bus, TG_TOPIC_SYSTEM_EVENTS, look_up, &looker);
    publish(bus, &start);
    (void)bus_pump(bus, 0);
    bus_destroy(bus);
    return looker.nanoseconds;
}

/* ---- overtaking ----------------------------------------------------------------------------- */

struct race {
    struct bus *bus;
    struct bus_publisher *publisher;
    struct tg_ta_signals reading;
    struct bus_draft urgent;
    atomic_bool go, published;
    uint32_t low, low_after;
    bool urgent_came;
};

static int count_low(void *context, const struct tg_message *message)
{
    struct race *race = context;
    uint32_t spins = 0;

    if (message->priority == TG_PRIORITY_URGENT) {
        race->urgent_came = true;
        return 0;
    }
    if (++race->low == LOW_MESSAGES / 2 + 7) /* somewhere within a batch */
        atomic_store(&race->go, true);
    else if (!race->urgent_came && atomic_load(&race->published))
        race->low_after++;
    while (atomic_load(&race->go) && !atomic_load(&race->published))
        bench_spin(&spins);
    return 0;
}

static void *publish_urgent(void *context)
{
    struct race *race = context;
    uint32_t spins = 0;

    while (!atomic_load(&race->go))
        bench_spin(&spins);
    publish_from(race->publisher, &race->urgent);
    atomic_store(&race->published, true);
    return NULL;
}

static double run_urgent_overtake(void)
{
    struct race race;

    memset(&race, 0, sizeof(race));
    race.bus = make_bus((struct bus_options){.log = NULL});
    race.reading = reading_of("BTC/USDT");
    const struct bus_draft low = draft_of(race.bus, &race.reading, TG_PRIORITY_LOW);
    pthread_t thread;

    race.urgent = draft_of(race.bus, &race.reading, TG_PRIORITY_URGENT);
    subscribe(race.bus, TG_TOPIC_TA_SIGNALS, count_low, &race);
    if (bus_publisher_create(race.bus, 0, &race.publisher, NULL) != TG_E_OK)
        bench_fail("no publisher");
    for (uint32_t i = 0; i < LOW_MESSAGES; i++)
        publish(race.bus, &low);
    if (pthread_create(&thread, NULL, publish_urgent, &race) != 0)
        bench_fail("no thread");
    while (bus_has_work(race.bus))
        (void)bus_pump(race.bus, 256);
    (void)pthread_join(thread, NULL);
    if (race.low != LOW_MESSAGES || !race.urgent_came)
        bench_fail("messages were lost");
    bus_publisher_destroy(race.bus, race.publisher);
    bus_destroy(race.bus);
    return race.low_after;
}

/* ---- waking --------------------------------------------------------------------------------- */

static void pause_between(void)
{
    const struct timespec pause = {.tv_nsec = WAKE_PAUSE_NS};

    (void)nanosleep(&pause, NULL);
}

static int compare(const void *a, const void *b)
{
    const double first = *(const double *)a, second = *(const double *)b;

    return (first > second) - (first < second);
}

static double median_of(double *values)
{
    qsort(values, WAKES, sizeof(values[0]), compare);
    return values[WAKES / 2];
}

struct bare {
    int event;
    _Atomic int64_t written_at;
};

static void *write_events(void *context)
{
    struct bare *bare = context;
    const uint64_t one = 1;

    for (uint32_t i = 0; i < WAKES; i++) {
        pause_between();
        atomic_store_explicit(&bare->written_at, bench_now_ns(), memory_order_relaxed);
        if (write(bare->event, &one, sizeof(one)) != sizeof(one))
            bench_fail("an eventfd cannot be written");
    }
    return NULL;
}

static double run_wake_eventfd(void)
{
    static double microseconds[WAKES];
    struct bare bare = {.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    struct pollfd waited = {.fd = bare.event, .events = POLLIN};
    pthread_t thread;
    uint64_t count;

    if (bare.event < 0 || pthread_create(&thread, NULL, write_events, &bare) != 0)
        bench_fail("no eventfd or no thread");
    for (uint32_t i = 0; i < WAKES; i += (uint32_t)count) {
        if (poll(&waited, 1, (int)(DEADLINE_NS / TG_NS_PER_MS)) != 1 ||
            read(bare.event, &count, sizeof(count)) != sizeof(count))
            bench_fail("no wake-up");
        const int64_t took =
            bench_now_ns() - atomic_load_explicit(&bare.written_at, memory_order_relaxed);
        for (uint64_t k = 0; k < count && i + k < WAKES; k++)
            microseconds[i + k] = (double)took / 1e3;
    }
    (void)pthread_join(thread, NULL);
    (void)close(bare.event);
    return median_of(microseconds);
}

struct wake {
    struct bus *bus;
    struct bus_publisher *publisher;
    struct loop *loop;
    struct tg_ta_signals reading; /* of the publishing thread, as the draft */
    struct bus_draft draft;
    uint32_t count;
    int64_t began;
    double microseconds[WAKES];
};

static int note_wake(void *context, const struct tg_message *message)
{
    struct wake *wake = context;
    const struct tg_ta_signals *reading = message->payload;

    wake->microseconds[wake->count++] = (double)(bench_now_ns() - reading->price.units) / 1e3;
    if (wake->count == WAKES)
        loop_stop(wake->loop);
    return 0;
}

static bool step(void *context)
{
    struct wake *wake = context;

    bus_awake(wake->bus);
    (void)bus_pump(wake->bus, 256);
    return !bus_sleep_prepare(wake->bus);
}

static void check_time(void *context)
{
    const struct wake *wake = context;

    if (bench_now_ns() - wake->began > DEADLINE_NS)
        bench_fail("a wake-up was lost: %u of %u messages came", wake->count, WAKES);
}

static void *publish_slowly(void *context)
{
    struct wake *wake = context;
    for (uint32_t i = 0; i < WAKES; i++) {
        pause_between();
        wake->reading.price.units = bench_now_ns();
        publish_from(wake->publisher, &wake->draft);
    }
    return NULL;
}

static double run_wake_1k(void)
{
    static struct wake wake;
    struct tg_error error;
    pthread_t thread;

    memset(&wake, 0, sizeof(wake));
    const struct loop_options options = {
        .step = step, .tick = check_time, .tick_ms = 1000, .context = &wake};
    if (loop_create(&options, &wake.loop, &error) != TG_E_OK)
        bench_fail("%s", error.message);
    wake.bus = make_bus((struct bus_options){.wake = loop_wake,
                                             .wake_context = wake.loop,
                                             .barrier = loop_barrier,
                                             .barrier_context = wake.loop});
    subscribe(wake.bus, TG_TOPIC_TA_SIGNALS, note_wake, &wake);
    wake.reading = reading_of("BTC/USDT");
    wake.draft = draft_of(wake.bus, &wake.reading, 0);
    if (bus_publisher_create(wake.bus, 0, &wake.publisher, &error) != TG_E_OK)
        bench_fail("%s", error.message);
    wake.began = bench_now_ns();
    if (pthread_create(&thread, NULL, publish_slowly, &wake) != 0)
        bench_fail("no thread");
    if (loop_run(wake.loop, &error) != TG_E_OK)
        bench_fail("%s", error.message);
    (void)pthread_join(thread, NULL);
    bus_publisher_destroy(wake.bus, wake.publisher);
    bus_destroy(wake.bus);
    loop_destroy(wake.loop);
    return median_of(wake.microseconds);
}

int main(void)
{
    double short_history[RUNS], long_history[RUNS], overtaken[RUNS];
    double bare[RUNS], through_bus[RUNS], ratio[RUNS];

    bench_report_cache_line();
    for (size_t run = 0; run < RUNS; run++) {
        short_history[run] = run_get_latest(10);
        long_history[run] = run_get_latest(HISTORY_LONG);
        overtaken[run] = run_urgent_overtake();
        bare[run] = run_wake_eventfd();
        through_bus[run] = run_wake_1k();
        ratio[run] = through_bus[run] / bare[run];
    }
    bench_report("get_latest_10", "ns", short_history, RUNS);
    bench_report("get_latest_100k", "ns", long_history, RUNS);
    bench_report("urgent_overtake", "messages", overtaken, RUNS);
    bench_report("wake_eventfd", "us", bare, RUNS);
    bench_report("wake_1k", "us", through_bus, RUNS);
    bench_report("wake_1k_ratio", "of wake_eventfd", ratio, RUNS);
    bench_report_cache_line();
    return 0;
}
